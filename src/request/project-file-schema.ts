/** What may stand in a project file, bundlefs.yaml; docs/project-file.md says it for people, docs/bundlefs.schema.json for editors. */
import * as z from 'zod';

const text = z.string().min(1, 'text that is not empty');
const texts = z.array(text);

/** Messages of these schemas are what was wanted, to be put behind "is …,". */
const sizeWanted = 'a size such as 4095M or 20G, or a count of bytes,';
const size = z.union(
  [
    z.int(sizeWanted).min(1, sizeWanted),
    z.string(sizeWanted).regex(/^(?=.*[1-9])\d+(\.\d+)?\s?([kKMGT](i?B)?|B)?$/, sizeWanted),
  ],
  { error: sizeWanted },
);
const durationWanted = 'a time such as 30d or 12h';
const duration = z.string(durationWanted).regex(/^\d+\s*(s|m|h|d|w)$/, durationWanted);
const presetWanted = 'a digit from 0 to 9, with an e behind it for extreme,';
const preset = z.union(
  [
    z.int(presetWanted).min(0, presetWanted).max(9, presetWanted),
    z.string(presetWanted).regex(/^[0-9]e?$/, presetWanted),
  ],
  { error: presetWanted },
);
const wholeNumber = z.int('a whole number');

const compose = z
  .strictObject({
    files: texts
      .min(1, 'a list with at least one file')
      .describe(
        'Compose files; later ones override earlier ones. A folder stands for the files that docker compose takes there.',
      ),
    profiles: texts
      .optional()
      .describe('Profiles that are active, in place of COMPOSE_PROFILES. "*" for all.'),
    envFile: z
      .union([text, texts], { error: 'a path or a list of paths' })
      .optional()
      .describe(
        'Files of variables, in place of COMPOSE_ENV_FILES and the .env beside the first Compose file.',
      ),
    projectName: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]*$/, 'a name of lower-case letters, digits, - and _')
      .optional()
      .describe(
        'The project name, by which images are called that Compose builds and that have no name of their own.',
      ),
  })
  .describe('The images of the services of a Compose project.');

const transformed = {
  as: text
    .optional()
    .describe(
      'The name of the new image; that of the old one where left out. A star stands for that of a pattern.',
    ),
  keep: z.boolean().optional().describe('Whether the old image is bundled, too.'),
};
const layerCount = wholeNumber.min(1, 'a whole number from 1');
const transforms = z
  .array(
    z.union(
      [
        z.strictObject({
          squash: text.describe('The image that gets one layer in place of several: a name or a pattern.'),
          ...transformed,
          last: layerCount
            .optional()
            .describe('How many of the uppermost layers become one; all where left out.'),
          fromLayer: z
            .union([layerCount, text], { error: 'a whole number from 1 or a diffId' })
            .optional()
            .describe('The lowest of the layers that become one: its number from 1, or its diffId.'),
        }),
        z.strictObject({
          thin: text.describe('The image that gets the layers of an older one, and one with what differs.'),
          on: text.describe('The older image.'),
          onFrom: text.optional().describe('Where that one comes from, in place of "from".'),
          ...transformed,
          ignoreMtime: z.boolean().optional().describe('Whether what differs in its times only is the same.'),
        }),
      ],
      { error: 'an object with "squash", or with "thin" and "on",' },
    ),
  )
  .describe('What is made of the images before they are bundled, one after the other.');

const watch = z
  .strictObject({
    debounceMs: wholeNumber
      .min(0, 'a whole number from 0')
      .optional()
      .describe('How long nothing must have changed before a new generation is made.'),
    logFormat: z.enum(['text', 'json']).optional().describe('Lines for people, or JSON for machines.'),
    metricsFile: text.optional().describe('Where metrics are written for a node exporter.'),
  })
  .describe('How a mount follows its images.');

const stick = z
  .strictObject({
    maxFileSize: size
      .optional()
      .describe('The largest file that a copy may have: 4095M. Larger bundles come in parts.'),
    media: z
      .enum(['fat32', 'cd', 'dvd'])
      .optional()
      .describe('What the copy is for, in place of maxFileSize.'),
    views: z
      .array(z.enum(['images.tar', 'images.tar.zst', 'oci', 'images', 'layers']))
      .optional()
      .describe('What the mounted folder shows besides: the same images in other forms.'),
    viewCache: size.optional().describe('Memory for decoded blocks of views: 96M.'),
    viewSpill: size
      .optional()
      .describe('Disk for decoded blocks of views, besides, until the mount ends: 2G; 0 for none.'),
  })
  .describe('What the mounted folder is copied to.');

const gc = z
  .strictObject({
    maxSize: size.optional().describe('How large the cache may be: 20G.'),
    keepLast: wholeNumber
      .min(0, 'a whole number from 0')
      .optional()
      .describe('How many of the last bundles are kept whole, whatever they take.'),
    olderThan: duration
      .optional()
      .describe('What was not used for so long is removed, whatever the size: 30d.'),
    keepRecipes: texts
      .optional()
      .describe('Recipes of bundlefs describe whose images stay in the cache, whatever the limits say.'),
    auto: z.boolean().optional().describe('Whether the cache is looked after without being asked.'),
  })
  .describe('What is kept in the cache.');

/** A project file as it is written. */
export const projectFileSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Where this schema is, for editors.'),
    images: texts.optional().describe('Image names and patterns: shop/web:1, shop/*:1.*'),
    imagesFiles: texts.optional().describe('Files with one image a line, - for standard input.'),
    compose: compose.optional(),
    from: text
      .optional()
      .describe(
        'Where images come from: docker, docker:<host>, docker://<registry>[/<image>], oci:<folder>, recipe:<file>, an archive, or - for standard input.',
      ),
    platform: text
      .optional()
      .describe('Of images that are there for several platforms: which one, such as linux/arm64 or arm64.'),
    skipUnloadable: z
      .boolean()
      .optional()
      .describe('Whether images that no engine would load are left out, where they are an error otherwise.'),
    tagAs: z
      .record(text, z.union([text, texts], { error: 'a name or a list of names' }))
      .optional()
      .describe(
        'Other names for the bundle: the name or pattern that an image has, and the one that it gets.',
      ),
    transforms: transforms.optional(),
    preset: preset.optional().describe('xz preset of newly encoded blocks: 6, or 9e.'),
    check: z
      .enum(['crc32', 'crc64', 'sha256'])
      .optional()
      .describe('The integrity check of newly encoded blocks.'),
    cache: text.optional().describe('Where blocks are kept.'),
    output: text.optional().describe('The file that bundlefs build writes.'),
    mountPoint: text.optional().describe('Where bundlefs mount mounts.'),
    watch: watch.optional(),
    stick: stick.optional(),
    gc: gc.optional(),
  })
  .describe('What bundlefs bundles, from where and how.');

export type ProjectFileContent = z.infer<typeof projectFileSchema>;

/** The JSON schema of project files. */
export function projectFileJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(projectFileSchema) as Record<string, unknown>;
  return { $schema, title: 'bundlefs project file', ...schema };
}
