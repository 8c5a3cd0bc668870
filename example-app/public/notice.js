// The line at the top of the page that says what everybody should know.
import { byId, say } from './words.js'

const LOGGING_OUT = 'logging-out'

/** What the bank's server says in the address about a login that did not work. */
const LOG_IN_PROBLEMS = {
  login_denied: 'The login was cancelled.',
  step_up_failed: 'The provider did not confirm that it is still you. Nothing was changed.',
}

/** What the server says of a session that ended elsewhere. */
const ENDS = {
  logout: 'You logged out in another window.',
  backchannel_logout: 'You logged out at your provider.',
  revoked: 'This session was ended from the list of your sessions.',
}

let passes = false

/** @param {import('./words.js').Sign} sign @param options.passes whether it is over as soon as the bank answers again */
export function showNotice(text, sign, options = { passes: false }) {
  passes = options.passes
  say(byId('notice'), text, sign)
  byId('notice').hidden = false
}

/** @param {string | undefined} reason a problem's code, or the server's own word for the end of the session @param {string[]} more */
export function showEnd(reason, more) {
  const isBlocked = reason === 'session_ended' || reason === 'refresh_token_rejected'
  const why = isBlocked
    ? 'Your provider no longer vouches for you, so the bank has logged you out.'
    : `You are logged out. ${ENDS[reason] ?? 'Log in to go on here.'}`
  showNotice([why, ...more].join(' '), isBlocked ? 'refused' : 'note')
}

export function hideNotice() {
  byId('notice').hidden = true
}

export function hidePassingNotice() {
  if (passes) hideNotice()
}

/** The page is left for the logout, and comes back by way of the provider. */
export function noteLogout() {
  sessionStorage.setItem(LOGGING_OUT, 'yes')
}

/** @param {boolean} isLoggedIn */
export function explainArrival(isLoggedIn) {
  const loggedOut = sessionStorage.getItem(LOGGING_OUT) !== null && !isLoggedIn
  sessionStorage.removeItem(LOGGING_OUT)
  if (loggedOut) showNotice('You are logged out, and your tokens are gone. Until next time.', 'done')
  const code = new URLSearchParams(location.search).get('problem')
  if (code === null) return
  // Anybody can write a link with any word in it.
  const known = Object.hasOwn(LOG_IN_PROBLEMS, code) ? LOG_IN_PROBLEMS[code] : undefined
  showNotice(known ?? 'The login did not work. Please try again.', 'refused')
  history.replaceState(null, '', location.pathname)
}
