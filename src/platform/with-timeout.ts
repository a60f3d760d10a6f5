/**
 * The result of `promise`, unless it takes longer than `ms` milliseconds. The work behind it is not stopped.
 * @param makeError called once when the time is over
 * @throws what `promise` throws; what `makeError` returns when the time is over
 */
export async function withTimeout<T>(promise: Promise<T>, ms: number, makeError: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(makeError()), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
