// What happens to this person's sessions, as the server tells it. One window listens, and passes it on to the others.
const NAME = 'small-bank-session-events'
const EVENTS = ['logged-in', 'renewed', 'session-ended']

/**
 * @param {(told: { name: string, reason?: string }) => void} whenTold in every window of this browser
 * @param {() => void} whenRefused is told that the server does not let this window listen any more
 */
export function createSessionEvents(whenTold, whenRefused) {
  const windows = new BroadcastChannel(NAME)
  let stopListening

  windows.addEventListener('message', ({ data }) => whenTold(data))

  function watch() {
    if (stopListening || document.hidden) return
    const waiting = new AbortController()
    stopListening = () => waiting.abort()
    // A browser opens six connections to a server at most, for all its windows. Without locks (http, not on this computer)
    // each window finds out when it asks who is here.
    navigator.locks?.request(NAME, { signal: waiting.signal }, listen).catch(() => {})
  }

  /** @returns {Promise<void>} until which no other window listens */
  function listen() {
    return new Promise((resolve) => {
      const source = new EventSource('/api/sessions/events')
      for (const name of EVENTS) {
        source.addEventListener(name, ({ data }) => {
          const told = { name, ...JSON.parse(data) }
          windows.postMessage(told)
          whenTold(told)
        })
      }
      source.addEventListener('error', () => {
        // A stream that broke off is opened again by the browser; one that was refused is not.
        if (source.readyState !== EventSource.CLOSED) return
        stop()
        whenRefused()
      })
      stopListening = () => {
        source.close()
        resolve()
      }
    })
  }

  function stop() {
    stopListening?.()
    stopListening = undefined
  }

  return { watch, stop, tellOthers: (name) => windows.postMessage({ name }) }
}
