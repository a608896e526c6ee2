/** Fails a run in CI that left tests out: a skipped, focused or to-do test proves nothing. */
import type { Reporter, TestModule } from 'vitest/node';

/** A vitest reporter that names every test that was not run and, where the environment has CI set, fails the run. */
export function noSkipsReporter(): Reporter {
  return {
    onTestRunEnd(modules) {
      const skipped = modules.flatMap(findSkipped);
      if (skipped.length === 0) return;
      process.stderr.write(`${skipped.length} tests were skipped:\n${skipped.join('\n')}\n`);
      if ((process.env['CI'] ?? '') !== '') process.exitCode = 1;
    },
  };
}

function findSkipped(module: TestModule): string[] {
  return [...module.children.allTests('skipped')].map(
    (test) => `  ${module.relativeModuleId} > ${test.fullName}`,
  );
}
