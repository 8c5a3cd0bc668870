// The line at the top of the page that says what everybody should know.
import { byId } from './words.js'

/** What the bank's server says in the address about a login that did not work. */
const LOG_IN_PROBLEMS = {
  login_denied: 'The login was cancelled.',
  step_up_failed: 'The provider did not confirm that it is still you. Nothing was changed.',
}

let passes = false

/** @param options.passes whether it is over as soon as the bank answers again */
export function showNotice(text, options = { passes: false }) {
  passes = options.passes
  byId('notice').textContent = text
  byId('notice').hidden = false
}

export function hideNotice() {
  byId('notice').hidden = true
}

export function hidePassingNotice() {
  if (passes) hideNotice()
}

export function explainLogIn() {
  const code = new URLSearchParams(location.search).get('problem')
  if (code === null) return
  showNotice(LOG_IN_PROBLEMS[code] ?? 'The login did not work. Please try again.')
  history.replaceState(null, '', location.pathname)
}
