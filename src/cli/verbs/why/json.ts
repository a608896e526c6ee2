/** What `bundlefs why` found out, before it is written as text or JSON. */
import type { ChosenBuild } from '../../../inspect/find/choose-build.ts';
import type { ExplainedLayer } from '../../../inspect/cost/explain-image.ts';

/** What is known of an image's last encoding. */
export interface WhyReport {
  readonly chosen: ChosenBuild;
  readonly layers: readonly ExplainedLayer[];
}
