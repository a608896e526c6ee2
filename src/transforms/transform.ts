/** What is made of images between reading and bundling them, as users say it. */

export type Transform = SquashTransform | ThinTransform;

interface TransformBase {
  /** The image that is meant: a name, a pattern or an id; every one that was read where left out. */
  readonly image?: string;
  /** The name that the new image gets; those of the old one where left out. Stars stand for those of a pattern. */
  readonly as?: string;
  /** Whether the old image stays in the bundle, too. */
  readonly keep?: boolean;
  /** Whether it is an error that no image is meant. */
  readonly mustMatch: boolean;
}

/** One layer in place of several. */
export interface SquashTransform extends TransformBase {
  readonly kind: 'squash';
  /** Which layers become one; all where left out. */
  readonly layers?: SquashedLayers;
}

/** The uppermost ones, or those from this one up: its number, the lowest being 1, or the start of its diffId in hex. */
export type SquashedLayers = { readonly last: number } | { readonly from: number | string };

/** The layers of an older image, and one with what differs. */
export interface ThinTransform extends TransformBase {
  readonly kind: 'thin';
  /** The older image: a name or an id. */
  readonly on: string;
  /** Where that one comes from; where the others do, where left out. */
  readonly onFrom?: string;
  /** Whether the older image was read for this only, and is not bundled. */
  readonly isOlderOnlyRead?: boolean;
  readonly ignoreMtime?: boolean;
  /** What is done where it would be no smaller. */
  readonly whenLarger: 'refuse' | 'leave';
}
