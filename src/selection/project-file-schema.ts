/** What may stand in a project file, bundlefs.yaml; docs/project-file.md says it for people, docs/bundlefs.schema.json for editors. */
import { z } from 'zod';

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
        'Compose files; later ones override earlier ones. A folder stands for the Compose file in it.',
      ),
    profiles: texts
      .optional()
      .describe('Profiles that are active, in place of COMPOSE_PROFILES. "*" for all.'),
    envFile: z
      .union([text, texts], { error: 'a path or a list of paths' })
      .optional()
      .describe('Files of variables, in place of the .env beside the first Compose file.'),
    projectName: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]*$/, 'a name of lower-case letters, digits, - and _')
      .optional()
      .describe(
        'The project name, by which images are called that Compose builds and that have no name of their own.',
      ),
  })
  .describe('The images of the services of a Compose project.');

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
        'Where images come from: docker, docker:<host>, docker://<registry>[/<image>], oci:<folder>, an archive, or - for standard input.',
      ),
    platform: text.optional().describe('Of images that are there for several platforms: which one.'),
    tagAs: z
      .record(text, z.union([text, texts], { error: 'a name or a list of names' }))
      .optional()
      .describe(
        'Other names for the bundle: the name or pattern that an image has, and the one that it gets.',
      ),
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
