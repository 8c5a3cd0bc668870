// The other end of a child of the bench: its parent calls functions here, by name.

/** @param {Record<string, (given: any) => unknown>} functions @param {unknown} hello what the parent is told first */
export function answerCalls(functions, hello) {
  process.on('disconnect', () => process.exit(1))
  process.on('message', async (/** @type {{ id: number, name: string, given: unknown }} */ message) => {
    const { id, name, given } = message
    try {
      process.send?.({ id, result: await functions[name]?.(given) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.stack : String(error) })
    }
  })
  process.send?.({ id: 0, result: hello })
}
