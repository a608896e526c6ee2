/** Recipes: the JSON that describe prints. */
import { cpSync } from 'node:fs';
import { type Kind } from '../fuzz-case.ts';
import { mutateJson } from '../mutate/json.ts';
import { knownCache, known } from '../known-cache.ts';

export const recipeKind: Kind = {
  name: 'recipe',
  about: 'recipes as describe prints them, with a cache that knows the images',
  async run(fuzz) {
    const { random, changes, sandbox } = fuzz;
    const { archive, recipe } = await known();
    cpSync(await knownCache(), sandbox.at('cache'), { recursive: true });
    let bytes = Buffer.from(recipe.replaceAll('ARCHIVE', fuzz.write('in/images.tar', archive)));
    for (let left = 1 + random.below(2); left > 0; left -= 1) {
      const { result, note } = mutateJson(random, bytes);
      changes.push(note);
      bytes = Buffer.from(result);
    }
    const path = fuzz.write('in/app.json', bytes);
    await fuzz.build('out.tar.xz', ['--from', `recipe:${path}`], recipeCodes);
    await fuzz.run(['plan', '--from', `recipe:${path}`, '--no-config', '--json'], recipeCodes);
    await fuzz.run(['diff', '--no-config', path, sandbox.at('in/images.tar')], recipeCodes);
  },
};

/** A recipe names its source, which may be an engine or a registry after a change. */
const recipeCodes =
  /^(?:archive|config|layer|xz)-|^image-not-found$|^block-missing$|^source-|^invalid-(?:argument|reference)$|^bundle-corrupt$/;
