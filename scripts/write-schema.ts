/** Writes docs/bundlefs.schema.json, the JSON schema of project files: `npm run schema`. */
import { writeFileSync } from 'node:fs';
import { projectFileJsonSchema } from '../src/request/project-file-schema.ts';

const path = new URL('../docs/bundlefs.schema.json', import.meta.url);
writeFileSync(path, `${JSON.stringify(projectFileJsonSchema(), null, 2)}\n`);
