import type { Reporter, TestModule } from 'vitest/node';

/** Names, at the end of a run, the tests that passed only when they were run again: such a test is to be mended. */
export default class SecondRuns implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const again = modules.flatMap((module) =>
      [...module.children.allTests()].filter((test) => test.diagnostic()?.flaky),
    );
    if (again.length === 0) return;
    console.log(`\n${again.length} passed only when run again:`);
    for (const test of again) {
      console.log(`  ${test.module.relativeModuleId} > ${test.fullName}`);
      for (const error of test.result().errors ?? []) console.log(`    ${error.message}`);
    }
  }
}
