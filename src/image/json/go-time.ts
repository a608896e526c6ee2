/** Times as Go reads them from JSON: what docker and others keep in configs. */

const pattern = /^"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,]\d+)?(?:Z|[-+](\d\d):(\d\d))"$/;

/**
 * Whether Go 1.19 and 1.24 both take `token`, a JSON string as it is written, with its quotes (Go time, "UnmarshalJSON",
 * "Parse" with RFC3339): an hour of one digit and a comma before fractions pass; escapes, lower case and leap seconds do not.
 */
export function isGoTime(token: string): boolean {
  const fields = pattern.exec(token);
  if (fields === null) return false;
  const [year, month, day, hour, minute, second, zoneHour = 0, zoneMinute = 0] = fields
    .slice(1)
    .map(toNumber);
  if (year === undefined || month === undefined || day === undefined) return false;
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
  const isTime = within(hour, 23) && within(minute, 59) && within(second, 59);
  // Go lets offsets be 24 hours and 60 minutes, since some people write them.
  return isDate && isTime && within(zoneHour, 24) && within(zoneMinute, 60);
}

function toNumber(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

function within(number: number | undefined, largest: number): boolean {
  return number !== undefined && number <= largest;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
