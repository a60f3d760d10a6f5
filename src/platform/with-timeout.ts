/**
 * The result of `promise`, unless it takes longer than `ms` milliseconds. The work behind it is not stopped.
 * @param makeError called once when the time is over
 * @throws what `promise` throws; what `makeError` returns when the time is over
 */
export function withTimeout<T>(promise: Promise<T>, ms: number, makeError: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(makeError()), ms);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
