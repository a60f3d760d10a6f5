// A reporter of vitest: writes how many tests passed and failed, and which needed a second run, to the file TEST_REPORT.
import { writeFileSync } from 'node:fs';

export default class Report {
  onTestRunEnd(files, unhandledErrors) {
    const tests = files.flatMap((file) => [...file.children.allTests()]);
    const failed = tests.filter((test) => test.result().state === 'failed');
    // A file fails without a failed test when it cannot be loaded, or when what comes before or after its tests fails.
    const broken = files.filter((file) => file.state() === 'failed' && !failed.some(({ module }) => module === file));
    const report = {
      passed: tests.filter((test) => test.result().state === 'passed').length,
      failed: failed.length + broken.length + unhandledErrors.length,
      again: tests
        .filter((test) => (test.diagnostic()?.retryCount ?? 0) > 0)
        .map((test) => `${test.module.relativeModuleId} > ${test.fullName}`),
    };
    writeFileSync(process.env.TEST_REPORT, JSON.stringify(report));
  }
}
