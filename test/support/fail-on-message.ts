/** Preload: the parent may let the process meet an error that nothing catches. */
process.on('message', (message) => {
  if (message === 'throw') setTimeout(() => throwUp());
  if (message === 'reject') void Promise.reject(new TypeError('T0PSECRET'));
});

function throwUp(): never {
  throw new RangeError('T0PSECRET');
}
