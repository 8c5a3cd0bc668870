// Asks the bank's server, and says in one word how that went.

/**
 * @typedef {{ outcome: 'answered', body: any }
 *   | { outcome: 'signed-out', logInURL: string }
 *   | { outcome: 'try-later', afterSeconds: number, untouched: boolean }
 *   | { outcome: 'refused', detail: string }} Outcome
 */

const PATIENCE_SECONDS = 5

// How far the server's clock is ahead of this one; its times are shown by its own clock.
let clockAheadMilliseconds = 0

export function serverNow() {
  return Date.now() + clockAheadMilliseconds
}

/** @returns {Promise<Outcome>} */
export function get(path) {
  return ask(path, {})
}

/** @returns {Promise<Outcome>} */
export function post(path, body) {
  return ask(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** @returns {Promise<Outcome>} */
export function remove(path) {
  return ask(path, { method: 'DELETE' })
}

export function logInURL(path = '/login') {
  const url = new URL(path, location.origin)
  url.searchParams.set('return_to', location.pathname + location.search)
  return url.pathname + url.search
}

async function ask(path, init) {
  let response
  let body
  try {
    response = await fetch(path, { ...init, headers: { Accept: 'application/json', ...init.headers } })
    body = await response.json()
  } catch {
    if (!response) return { outcome: 'try-later', afterSeconds: PATIENCE_SECONDS, untouched: false }
    body = {}
  }
  compareClocks(response)
  if (response.ok) return { outcome: 'answered', body }
  if (response.status === 401) return { outcome: 'signed-out', logInURL: logInURL(body.login_url) }
  if (response.status >= 500) {
    const afterSeconds = Number(response.headers.get('Retry-After')) || PATIENCE_SECONDS
    // The guard answers 503 before the bank reads a request; with any other failure one cannot know.
    return { outcome: 'try-later', afterSeconds, untouched: response.status === 503 }
  }
  return { outcome: 'refused', detail: body.detail ?? body.title ?? 'The bank refused that.' }
}

function compareClocks(response) {
  const ahead = Date.parse(response.headers.get('Date')) - Date.now()
  // The header counts whole seconds, so a small difference says nothing.
  clockAheadMilliseconds = Math.abs(ahead) > 2000 ? ahead : 0
}
