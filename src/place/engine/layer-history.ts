/** What an engine says of an image's layers: the steps that made them and, about, their sizes. */
import * as z from 'zod';
import { tidyStep } from '../../image/image-config.ts';
import type { SurveyedLayer } from '../../image/image-source.ts';
import type { EngineConnection } from './talk/engine-connection.ts';
import type { AskEngineOptions, EngineImage } from './engine-image.ts';

/** Newest first. Sizes are those of the files, without the tar around them. */
const historySchema = z.array(z.object({ CreatedBy: z.string().nullish(), Size: z.number().nullish() }));

interface Step {
  readonly createdBy: string;
  readonly size: number;
}

/** Steps that make a layer of their own seldom or never (Dockerfile reference). */
const metadataStep =
  /^(?:CMD|ENV|LABEL|EXPOSE|ENTRYPOINT|USER|ARG|VOLUME|STOPSIGNAL|HEALTHCHECK|ONBUILD|SHELL|MAINTAINER)\b/;

/**
 * The layers of `image` with steps and sizes. The engine does not say which steps made no layer: those with a size did,
 * and of the others as many as there are layers left. Where even that does not come out, layers have neither.
 */
export async function readLayerHistory(
  connection: EngineConnection,
  { id, layers }: EngineImage,
  options: AskEngineOptions = {},
): Promise<SurveyedLayer[]> {
  const request = {
    what: `ask for the history of "${id}"`,
    path: `/images/${id}/history`,
    isOptional: true,
    ...options,
  };
  const history = (await connection.findJson(request, historySchema)) ?? [];
  const steps = history
    .map(({ CreatedBy, Size }): Step => ({ createdBy: tidyStep(CreatedBy ?? ''), size: Size ?? 0 }))
    .reverse();
  const chosen = chooseSteps(steps, layers.length);
  return layers.map((diffId, index) => {
    const step = chosen?.[index];
    return { diffId, isExact: false, size: step?.size, createdBy: step?.createdBy };
  });
}

/** The `count` steps that are likeliest to have made layers, in order; undefined where there are too few, or too many with a size. */
export function chooseSteps(steps: readonly Step[], count: number): Step[] | undefined {
  const ranked = [...steps].sort((a, b) => rankOf(b) - rankOf(a));
  const chosen = new Set(ranked.slice(0, count));
  const isSound = chosen.size === count && steps.filter(({ size }) => size > 0).length <= count;
  return isSound ? steps.filter((step) => chosen.has(step)) : undefined;
}

function rankOf({ createdBy, size }: Step): number {
  if (size > 0) return 3;
  if (metadataStep.test(createdBy)) return 0;
  return createdBy.startsWith('WORKDIR') ? 1 : 2;
}
