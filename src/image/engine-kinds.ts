/** What each kind of engine needs of an archive with new images, where it has some of their layers (docs/decisions/0102). */

export const engineKinds = ['docker', 'containerd-store', 'podman', 'skopeo', 'containerd'] as const;
export type EngineKind = (typeof engineKinds)[number];

interface EngineNeeds {
  /** Why a file for it must have every layer; absent where those may be left out that it has. */
  readonly ofFiles?: string;
  /** The same for what is sent to it by someone who sees what it has. */
  readonly ofLoads?: string;
}

const everyLayer = 'podman wants every layer in the archive, also those that it has';

const needs: Readonly<Record<EngineKind, EngineNeeds>> = {
  docker: {},
  'containerd-store': {
    ofLoads:
      'it may have the files of a layer and not its bytes, as after a pull: then it takes the image, and can never save or push it',
  },
  podman: { ofFiles: everyLayer, ofLoads: everyLayer },
  skopeo: {
    ofFiles: 'skopeo checks every layer against its digest, and so wants all of them',
    ofLoads: 'skopeo checks every layer against its digest, and so wants all of them',
  },
  containerd: {
    ofFiles: 'where a layer is missing, ctr leaves names of images behind that cannot be used',
    ofLoads: 'where a layer is missing, ctr leaves names of images behind that cannot be used',
  },
};

/** Why a delta for engines of this kind cannot leave out layers; undefined where it can. */
export function whyFilesNeedAllLayers(kind: EngineKind): string | undefined {
  return needs[kind].ofFiles;
}

/** Whether layers that an engine of this kind has need not be sent to it. Of an unknown kind nothing is supposed. */
export function canLoadWithoutLayers(kind: EngineKind | undefined): boolean {
  return kind !== undefined && needs[kind].ofLoads === undefined;
}
