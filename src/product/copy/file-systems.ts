/** What is known of file systems that sticks have: the largest file, and whether there is a device behind it. */

export interface FileSystemTraits {
  /** Bytes of the largest file, where that is a limit that a bundle can meet. */
  readonly maxFileSize?: number;
  readonly isReadOnly?: boolean;
  /** What is written is gone when the machine is switched off. */
  readonly isMemory?: boolean;
  /** Another program or machine reads and writes the device: O_DIRECT reaches it, and says nothing of what it has in memory. */
  readonly isIndirect?: boolean;
  /** The kernel's own, where nothing is kept. */
  readonly isPseudo?: boolean;
}

/** Microsoft FAT specification, DIR_FileSize: 32 bits. */
const fat = { maxFileSize: 2 ** 32 - 1 } as const;
const readOnly = { isReadOnly: true } as const;
const memory = { isMemory: true } as const;
const indirect = { isIndirect: true } as const;
const pseudo = { isPseudo: true } as const;

/** By the type that /proc/self/mountinfo has. */
const traits: Readonly<Record<string, FileSystemTraits>> = {
  vfat: fat,
  msdos: fat,
  umsdos: fat,
  'fuse.fusefat': { ...fat, ...indirect },
  iso9660: readOnly,
  squashfs: readOnly,
  erofs: readOnly,
  tmpfs: memory,
  ramfs: memory,
  ...Object.fromEntries(
    ['9p', 'ceph', 'cifs', 'nfs', 'nfs4', 'smb3', 'virtiofs'].map((type) => [type, indirect]),
  ),
  ...Object.fromEntries(
    [
      'proc',
      'sysfs',
      'devtmpfs',
      'devpts',
      'cgroup',
      'cgroup2',
      'bpf',
      'debugfs',
      'tracefs',
      'securityfs',
      'configfs',
      'mqueue',
      'hugetlbfs',
      'pstore',
      'efivarfs',
      'binfmt_misc',
      'autofs',
    ].map((type) => [type, pseudo]),
  ),
};

/** statfs(2), f_type: MSDOS_SUPER_MAGIC, for all kinds of FAT, whatever they are called. */
const fatMagic = 0x4d44;

/** Of the file system called `type`, whose statfs has the number `magic`. */
export function traitsOfFileSystem(type: string, magic: number): FileSystemTraits {
  if (magic === fatMagic) return fat;
  return traits[type] ?? (type.startsWith('fuse') ? indirect : {});
}
