// Asks the bank's server, and says in one word how that went.
import { BffError, fetch, me } from '/express-bff-session/index.js'

/**
 * @typedef {{ outcome: 'answered', body: any }
 *   | { outcome: 'logged-out', code: string }
 *   | { outcome: 'step-up', error: BffError }
 *   | { outcome: 'try-later', afterSeconds: number, untouched: boolean }
 *   | { outcome: 'refused', detail: string }} Answer
 */

const PATIENCE_SECONDS = 5

/** @returns {Promise<Answer>} whose body is undefined where nobody is logged in */
export function askWhoIsHere() {
  return me().then((body) => ({ outcome: 'answered', body }), explain)
}

/** @returns {Promise<Answer>} */
export function ask(path, method = 'GET', content = undefined) {
  const headers = { Accept: 'application/json', ...(content && { 'Content-Type': 'application/json' }) }
  return fetch(path, { method, headers, body: content && JSON.stringify(content) })
    .then(read)
    .catch(explain)
}

async function read(response) {
  const body = await response.json()
  if (response.ok) return { outcome: 'answered', body }
  if (response.status < 500) return { outcome: 'refused', detail: body.detail ?? 'The bank refused that.' }
  const afterSeconds = Number(response.headers.get('Retry-After')) || PATIENCE_SECONDS
  // The guards answer 503 before the API hears of a request; with any other failure one cannot know.
  const untouched = response.status === 503 && body.code !== 'api_unavailable'
  return { outcome: 'try-later', afterSeconds, untouched }
}

function explain(error) {
  if (!(error instanceof BffError) || error.status === 503) {
    return { outcome: 'try-later', afterSeconds: PATIENCE_SECONDS, untouched: false }
  }
  if (error.code === 'step_up_required') return { outcome: 'step-up', error }
  return { outcome: 'logged-out', code: error.code }
}
