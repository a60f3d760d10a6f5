/** Preload: while the test says so, work of 150 ms after 150 ms keeps the process from everything else. */
const WORK_MS = 150;
let working: NodeJS.Timeout | undefined;

process.on('message', (message) => {
  if (message === 'work') working ??= setInterval(work, 1);
  if (message === 'rest') {
    clearInterval(working);
    working = undefined;
  }
});

function work(): void {
  const until = performance.now() + WORK_MS;
  while (performance.now() < until);
}
