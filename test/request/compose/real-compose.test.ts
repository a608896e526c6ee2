/** Compares with docker compose 2.26 and 2.40, over projects made by hand and at random. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPlatform } from '../../../src/image/platform.ts';
import { isBundleError } from '../../../src/ground/errors.ts';
import { setSceneIn } from '../support.ts';
import { type Answer, askCompose, type ComposeProject, suites } from './compose-peer.ts';
import { type CornerProject, cornerProjects } from './corner-projects.ts';
import { makeProject } from './random-projects.ts';

interface Answers {
  readonly 'of 2.26': Answer;
  readonly 'of 2.40': Answer;
  readonly ours: Answer;
}

const randomProjects = Array.from({ length: 40 }, (_, seed) => makeProject(String(seed)));
const answers = new Map<ComposeProject, Promise<Answers>>();
let root = '';

/** docker compose takes a tenth of a second to start, so it is asked of several projects at once. */
const atOnce = 4;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bfs-'));
  const projects = [...cornerProjects, ...randomProjects];
  const waiting: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  for (const [index, project] of projects.entries()) {
    const asked = waiting[index % atOnce]?.then(() => askAll(project, join(root, String(index), 'shop')));
    if (asked === undefined) continue;
    answers.set(project, asked);
    waiting[index % atOnce] = asked.catch(() => undefined);
  }
});

afterAll(async () => {
  await Promise.allSettled(answers.values());
  await rm(root, { recursive: true });
});

async function askAll(project: ComposeProject, at: string): Promise<Answers> {
  const { files, compose = ['.'], folder = '.', profile, envFile, environment } = project;
  const scene = await setSceneIn(at, files);
  const selecting = scene.select(
    {
      compose: compose.map((path) => `${folder}/${path}`),
      ...(profile && { profile }),
      ...(envFile && { envFile }),
    },
    environment,
  );
  const [old, recent, ours] = await Promise.all([
    askCompose(suites['2.26'], scene.folder, project),
    askCompose(suites['2.40'], scene.folder, project),
    selecting.then(
      ({ patterns }): Answer => {
        const images = patterns.map(({ text, platform }) =>
          platform === undefined ? text : `${text} ${formatPlatform(platform)}`,
        );
        return { images: [...new Set(images)].sort() };
      },
      (error: unknown): Answer => {
        if (!isBundleError(error, 'selection-invalid')) throw error;
        return { error: error.message };
      },
    ),
  ]);
  return { 'of 2.26': old, 'of 2.40': recent, ours };
}

async function answersTo(project: ComposeProject): Promise<Answers> {
  const asked = answers.get(project);
  if (asked === undefined) throw new RangeError(`"${project.title}" was not asked for`);
  return asked;
}

/** The images, or that there are none because of an error, whose words are everybody's own. */
function essence(answer: Answer): readonly string[] | 'an error' {
  return 'error' in answer ? 'an error' : answer.images;
}

/** What docker compose has against random projects that bundlefs takes on purpose (docs/decisions/0104). */
const lenient = [
  /depends on undefined service/,
  /dependency cycle detected/,
  // Of `image:` with nothing behind it.
  /services\.[^.]+\.image must be a string/,
  /error while interpolating (?:x-|services\.[^.]+\.(?:environment|volumes))/,
];

describe('images of Compose files are those of docker compose', () => {
  it.each(cornerProjects)('$title', async (project: CornerProject) => {
    const { isSince240 = false, ours: wanted, refused } = project;
    const { 'of 2.26': old, 'of 2.40': recent, ours } = await answersTo(project);
    if (isSince240) expect(essence(old)).not.toEqual(essence(recent));
    else expect(essence(old)).toEqual(essence(recent));
    if (wanted !== undefined) {
      expect(essence(recent)).not.toEqual([...wanted]);
      expect(ours).toEqual({ images: wanted });
    } else if (refused !== undefined) {
      expect(recent).toHaveProperty('images');
      expect(ours).toEqual({ error: expect.stringMatching(refused) as string });
    } else {
      expect({ ours: essence(ours), said: ours }).toEqual({ ours: essence(recent), said: ours });
    }
  });

  it.each(randomProjects)('$title', async (project) => {
    const { 'of 2.26': old, 'of 2.40': recent, ours } = await answersTo(project);
    expect(essence(old)).toEqual(essence(recent));
    const isEmpty = 'images' in recent && recent.images.length === 0;
    const isLenient = 'error' in recent && lenient.some((pattern) => pattern.test(recent.error));
    if (isEmpty) expect(essence(ours)).toBe('an error');
    else if (!isLenient)
      expect({ ours: essence(ours), said: ours }).toEqual({ ours: essence(recent), said: ours });
  });

  it('are compared for projects of which most are right', async () => {
    const ours = (await Promise.all(randomProjects.map(answersTo))).map((all) => all.ours);
    expect(ours.filter((answer) => 'images' in answer).length).toBeGreaterThan(randomProjects.length / 2);
  });
});
