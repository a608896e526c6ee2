/** A layer as another build would have made it: the same files, all with other times. */

const blockSize = 512;

/** A copy of the tar `layer` in which every member was changed `seconds` later. Extended headers keep their times. */
export function shiftTimes(layer: Uint8Array, seconds: number): Buffer {
  const shifted = Buffer.from(layer);
  for (let start = 0; start + blockSize <= shifted.length;) {
    const header = shifted.subarray(start, start + blockSize);
    if (header.every((byte) => byte === 0)) break;
    const size = readOctal(header, 124, 12);
    const time = readOctal(header, 136, 12) + seconds;
    header.write(`${time.toString(8).padStart(11, '0')}\0`, 136, 'latin1');
    header.fill(' ', 148, 156); // the checksum counts itself as spaces (POSIX ustar)
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    start += blockSize + Math.ceil(size / blockSize) * blockSize;
  }
  return shifted;
}

function readOctal(header: Buffer, start: number, length: number): number {
  const text = header.toString('latin1', start, start + length).replace(/[\0 ].*$/s, '');
  return Number.parseInt(text === '' ? '0' : text, 8);
}
