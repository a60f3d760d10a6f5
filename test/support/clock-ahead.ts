/** Preload: the parent sends milliseconds, by which the process' clocks go ahead. */
let ahead = 0;
const [date, monotonic] = [Date.now, performance.now.bind(performance)];
Date.now = () => date() + ahead;
performance.now = () => monotonic() + ahead;

process.on('message', (ms) => {
  if (typeof ms === 'number') ahead += ms;
});
