/** Where the content of each member lies in the bundle tar. */
import { encodeTarHeader, tarPadding } from '../format/tar/tar-header.ts';
import type { Member } from './plan-bundle.ts';

/** Where the content of a member begins, in bytes from the start of the tar; it has as many as the member says. */
export interface MemberPlace {
  readonly member: Member;
  readonly start: number;
}

/** The places of `members` in the tar that planSegments makes of them. */
export function locateMembers(members: readonly Member[]): MemberPlace[] {
  let end = 0;
  return members.map((member) => {
    const start = end + encodeTarHeader(member).length;
    end = start + member.size + tarPadding(member.size);
    return { member, start };
  });
}
