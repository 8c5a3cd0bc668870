// Waiting that ends by itself.

/** What `work` comes to, or what `late` says once `seconds` have passed. The work itself goes on. */
export async function withDeadline<T, L>(work: Promise<T>, seconds: number, late: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000)
  })
  try {
    return await Promise.race([work, deadline.then(late)])
  } finally {
    clearTimeout(timer)
  }
}
