// Requests that are under way: each has a deadline, and at the end of the process all of them are given up.

export interface OpenRequests {
  /** @param request ends by the signal */
  within<T>(seconds: number, request: (signal: AbortSignal) => Promise<T>): Promise<T>
  giveUp(): void
}

export function createOpenRequests(): OpenRequests {
  const open = new Set<AbortController>()
  const end = (controller: AbortController) =>
    controller.abort(new DOMException('The request took too long', 'TimeoutError'))

  let isOver = false

  return {
    async within(seconds, request) {
      const controller = new AbortController()
      // Timers come first when a process wakes that was paused: what came meanwhile is read before the request is given up.
      const timer = setTimeout(() => setImmediate(() => setImmediate(end, controller)), seconds * 1000)
      open.add(controller)
      if (isOver) end(controller)
      try {
        return await request(controller.signal)
      } finally {
        clearTimeout(timer)
        open.delete(controller)
      }
    },

    giveUp() {
      isOver = true
      open.forEach(end)
    },
  }
}
