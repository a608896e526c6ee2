/** The cutting rule in use: big files of a layer are pieces of their own, what lies between them is cut at members. */
import { appendAll } from '../../ground/long-lists.ts';
import { type ScannedHeader, scanTarHeader, sumEnd, sumStart } from '../../format/tar/scan-tar-header.ts';
import { tarBlockSize, tarPadding } from '../../format/tar/tar-header.ts';
import { createContentCutter } from './content-cutter.ts';
import { createExtendedSize } from '../extended-size.ts';
import { hasOwnPiece, hasOwnPieceBySample, isPackaged, sampleSize } from './file-kind.ts';
import { PieceBuffer } from './piece-buffer.ts';
import type { GearScan, Piece, PieceCutter } from './piece-cutter.ts';

/** The name and version of this rule. Whatever moves a cut must change it. */
export const fileCutterName = 'files-2';

const mebibyte = 1024 * 1024;
/** How far runs of headers and small files go in the mean, in bytes. */
const packagedRunSize = 8 * mebibyte;
const otherRunSize = mebibyte;
/** A run that has come this far ends with its member, which has less than 512 KiB: so no piece is above 16 MiB. */
const maxRunSize = 15 * mebibyte - 4096;
/** Cuts inside a file are dear: they part what is alike. Files up to 8 MiB have none. */
const insideSizes = { minSize: 8 * mebibyte, meanSize: 12 * mebibyte, maxSize: 16 * mebibyte };

/** What the next bytes are. Sizes are bytes still to come, padding included. */
type State =
  | { readonly kind: 'header' }
  /** The rest of the map of an old GNU sparse file, a block at a time. */
  | { readonly kind: 'map'; readonly header: ScannedHeader }
  | { readonly kind: 'sample'; readonly header: ScannedHeader }
  | { readonly kind: 'small'; readonly header: ScannedHeader; left: number }
  | { readonly kind: 'file'; left: number }
  /** No header where one was expected. */
  | { readonly kind: 'unknown' };

/** Where a header of type S and a block of its map say that another block of the map follows (GNU tar manual, "Basic Tar Format"). */
const [mapFollowsHeader, mapFollowsMap] = [482, 504];

/**
 * A cutter for layers (docs/format.md, "Cutting"). A big file, with its padding, begins a piece at its first byte and
 * ends one, whatever its header says besides its size: so it is found again under another name, in another layer, with
 * other times. The other members lie in runs, whose ends hang on the names and sizes of single members. From a block that
 * is no tar header to the next one that is, bytes are cut by content alone. Claimed sizes are counted down and never
 * allocated. No piece is above 16 MiB.
 */
export function createFileCutter(scan?: GearScan): PieceCutter {
  const run = new PieceBuffer();
  const scanned = scan && { scan };
  const inside = createContentCutter({ ...insideSizes, ...scanned });
  const unknown = createContentCutter({ ...scanned });
  /** The current header or sample, as far as it has come. */
  const scratch = new Uint8Array(sampleSize);
  let scratchSize = 0;
  let state: State = { kind: 'header' };
  const extended = createExtendedSize();

  /** The block in scratch, the last of the run, is this header. */
  const takeHeader = (found: ScannedHeader): Piece[] => {
    const header = { ...found, contentSize: extended.begin(found) };
    if (found.type !== 'S' || scratch[mapFollowsHeader] === 0) return startMember(header);
    state = { kind: 'map', header };
    return [];
  };
  const startMember = (header: ScannedHeader): Piece[] => {
    const isOwn = hasOwnPiece(header);
    if (isOwn === undefined) state = { kind: 'sample', header };
    else if (isOwn) return startFile(header, 0);
    else return startSmall(header, 0);
    return [];
  };
  /** The last `taken` bytes of the run are the file's. */
  const startFile = (header: ScannedHeader, taken: number): Piece[] => {
    state = { kind: 'file', left: paddedSize(header) - taken };
    return [...run.cut(run.size - taken), ...pushHeld(inside)];
  };
  /** Hands on what the run holds. */
  const pushHeld = (cutter: PieceCutter): Piece[] =>
    run.cut().flatMap(({ parts }) => parts.flatMap((part) => cutter.push(part)));
  const startSmall = (header: ScannedHeader, taken: number): Piece[] => {
    state = { kind: 'small', header, left: paddedSize(header) - taken };
    return state.left === 0 ? endSmall(header) : [];
  };
  const endSmall = (header: ScannedHeader): Piece[] => {
    state = { kind: 'header' };
    return run.size >= maxRunSize || endsRun(header) ? run.cut() : [];
  };

  /** Fills scratch up to `size`; true once it is full. */
  const fill = (part: Uint8Array, size: number): boolean => {
    scratch.set(part, scratchSize);
    scratchSize += part.length;
    if (scratchSize < size) return false;
    scratchSize = 0;
    return true;
  };
  /** How many bytes the state wants next, at most. */
  const wanted = (): number => {
    if (state.kind === 'sample') return sampleSize - scratchSize;
    return 'left' in state ? state.left : tarBlockSize - scratchSize;
  };
  const step = (part: Uint8Array): Piece[] => {
    switch (state.kind) {
      case 'header': {
        run.take(part);
        if (!fill(part, tarBlockSize)) return [];
        const header = scanTarHeader(scratch);
        if (header !== undefined) return takeHeader(header);
        state = { kind: 'unknown' };
        return [...run.cut(run.size - tarBlockSize), ...pushHeld(unknown)];
      }
      case 'map':
        run.take(part);
        if (!fill(part, tarBlockSize) || scratch[mapFollowsMap] !== 0) return [];
        return startMember(state.header);
      case 'sample': {
        run.take(part);
        extended.take(part);
        const { header } = state;
        if (!fill(part, sampleSize)) return [];
        return hasOwnPieceBySample(header, scratch)
          ? startFile(header, sampleSize)
          : startSmall(header, sampleSize);
      }
      case 'small':
        run.take(part);
        extended.take(part);
        state.left -= part.length;
        return state.left === 0 ? endSmall(state.header) : [];
      case 'file': {
        extended.take(part);
        const pieces = inside.push(part);
        state.left -= part.length;
        if (state.left > 0) return pieces;
        state = { kind: 'header' };
        return [...pieces, ...inside.end()];
      }
      case 'unknown': {
        run.take(part);
        if (!fill(part, tarBlockSize)) return [];
        const header = mayBeHeader(scratch) ? scanTarHeader(scratch) : undefined;
        return header === undefined ? pushHeld(unknown) : [...unknown.end(), ...takeHeader(header)];
      }
    }
  };
  /** Where in `chunk` the blocks end that no header can be, from `start` on: those are handed on without a look at each. */
  const passForeign = (chunk: Uint8Array, start: number): number => {
    let end = start;
    if (state.kind !== 'unknown' || scratchSize > 0) return end;
    while (end + tarBlockSize <= chunk.length && !mayBeHeader(chunk.subarray(end, end + tarBlockSize)))
      end += tarBlockSize;
    return end;
  };

  return {
    push(chunk) {
      const pieces: Piece[] = [];
      for (let start = 0; start < chunk.length;) {
        const foreignEnd = passForeign(chunk, start);
        const end = foreignEnd > start ? foreignEnd : Math.min(chunk.length, start + wanted());
        const part = chunk.subarray(start, end);
        appendAll(pieces, foreignEnd > start ? unknown.push(part) : step(part));
        start = end;
      }
      return pieces;
    },
    end() {
      const held = state.kind === 'unknown' ? pushHeld(unknown) : run.cut();
      return [...held, ...inside.end(), ...unknown.end()];
    },
  };
}

/** Whether a block has a number where headers have their checksum: a quick look, for bytes of which few are headers. */
function mayBeHeader(block: Uint8Array): boolean {
  let digits = 0;
  for (let at = sumStart; at < sumEnd; at += 1) {
    const byte = block[at] ?? 0;
    if (byte >= 0x30 && byte <= 0x37) digits += 1;
    else if (byte !== 0 && byte !== 0x20) return false;
  }
  return digits > 0;
}

function paddedSize({ contentSize }: ScannedHeader): number {
  return contentSize + tarPadding(contentSize);
}

/**
 * Whether a run ends after this member: by its name and size, with a likelihood that goes with its length, so that
 * what happens to other members moves no end but those near them.
 */
function endsRun(header: ScannedHeader): boolean {
  const runSize = isPackaged(header.path) ? packagedRunSize : otherRunSize;
  return header.nameHash / 2 ** 32 < (tarBlockSize + paddedSize(header)) / runSize;
}
