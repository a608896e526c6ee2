/** Turns the members of a bundle tar into its run of segments: glue, whose bytes are known, and layers. */
import type { DiffId } from '../ground/digest.ts';
import { encodeTarHeader, tarEnd, tarPadding } from '../format/tar/tar-header.ts';
import type { Member } from './plan-bundle.ts';

/** A run of the bundle tar that starts and ends a block. */
export type Segment =
  | { readonly kind: 'glue'; readonly bytes: Uint8Array }
  | { readonly kind: 'layer'; readonly diffId: DiffId; readonly size: number };

/**
 * The segments of the tar that holds `members`, end of archive included. Tar headers, padding and metadata between
 * two layers are one piece of glue, so that a layer's blocks depend on the layer alone. Empty layers take no segment.
 */
export function planSegments(members: readonly Member[]): Segment[] {
  const segments: Segment[] = [];
  let glue: Uint8Array[] = [];
  for (const member of members) {
    glue.push(encodeTarHeader(member));
    if (member.kind === 'layer') {
      segments.push({ kind: 'glue', bytes: Buffer.concat(glue) });
      if (member.size > 0) segments.push({ kind: 'layer', diffId: member.diffId, size: member.size });
      glue = [];
    } else {
      glue.push(member.bytes);
    }
    glue.push(Buffer.alloc(tarPadding(member.size)));
  }
  segments.push({ kind: 'glue', bytes: Buffer.concat([...glue, tarEnd]) });
  return segments;
}

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
