/** What `work` answers. @throws Error when it takes 3 seconds or more, the longest a request may take */
export async function within3s<T>(work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const answer = await work();
  const ms = performance.now() - start;
  if (ms >= 3_000) throw new Error(`took ${Math.round(ms)} ms`);
  return answer;
}
