// The page of the bank: finds out who is here, and shows them their account or the way to log in.
import { login, logout, onSessionEnd, stepUp } from '/express-bff-session/index.js'
import { forgetDrafts, keepDrafts, restoreDrafts } from './drafts.js'
import { isSending, offerAgain, startForms } from './forms.js'
import { explainArrival, hideNotice, hidePassingNotice, noteLogout, showEnd, showNotice } from './notice.js'
import { createRatesCard } from './rates-card.js'
import { startSecondWindow } from './second-window.js'
import { ask, askWhoIsHere } from './server.js'
import { forgetSession, millisecondsUntilDue, showCountdown, showSession, tellNow } from './session-card.js'
import { createSessionEvents } from './session-events.js'
import { showSessions, startSessionsCard } from './sessions-card.js'
import { byId, euros, say, seconds } from './words.js'

const POLL_MILLISECONDS = 5000

/** Who is logged in, and since when; undefined where nobody is. */
let here
let nextLook
/** Why a session of this person ended that may be this one, as the server has just told. */
let endReason
let heard = Promise.resolve()
const rates = createRatesCard(() => lookAgain())
const sessionEvents = createSessionEvents(
  (told) => {
    heard = heard.then(() => hear(told))
  },
  // Not at once: there may be too many windows, and that is no reason to hurry.
  () => lookLater(),
)

onSessionEnd((event) => {
  // The page stays: what somebody typed is still in it.
  event.preventDefault()
  showLoggedOut(event.detail)
})
startForms((form, answer, reason) => {
  if (answer.outcome === 'step-up') {
    keepDrafts(here.sub)
    return stepUp(answer.error)
  }
  if (answer.outcome === 'answered') {
    showAccount(answer.body)
    form.reset()
    sessionEvents.tellOthers('account-changed')
  }
  if (answer.outcome === 'logged-out' || answer.outcome === 'try-later') handle(answer)
  // A refused transfer was asked about too.
  else lookAgain(reason)
})
startSessionsCard(async (answer) => {
  handle(answer)
  await lookAgain()
  if (here) handle(await showSessions())
})
byId('login').addEventListener('click', () => login())
byId('logout').addEventListener('click', () => {
  forgetDrafts()
  noteLogout()
  // The back button may show this page as it was left. Until then it listens, for the other windows too.
  here = undefined
  show('nothing')
  logout()
})
startSecondWindow()
byId('refresh-balance').addEventListener('click', async () => {
  await askForAccount()
  await lookAgain()
})
// Once at the start, and again when the back button brings an old page up as it was.
addEventListener('pageshow', () => lookAgain().then(() => explainArrival(here !== undefined)))
// Somebody may have logged in beside this window.
addEventListener('focus', () => lookAgain())
document.addEventListener('visibilitychange', () => (document.hidden ? stopListening() : lookAgain()))
setInterval(showCountdown, 250)

/** @returns {Promise<boolean | void>} true where somebody is logged in */
async function lookAgain(reason) {
  // What comes back knows why the session was renewed, or ended.
  if (isSending()) return lookLater()
  clearTimeout(nextLook)
  const answer = await askWhoIsHere()
  if (answer.outcome !== 'answered') return handle(answer)
  if (answer.body === undefined) return showLoggedOut()
  hidePassingNotice()
  showLoggedIn(answer.body, reason)
  lookLater()
  return true
}

/** Something happened to a session of this person, this one or one in another browser, or to their account. */
async function hear({ name, reason }) {
  if (!here || document.hidden) return
  if (name === 'account-changed') return askForAccount()
  endReason = reason
  const isHere = await lookAgain()
  endReason = undefined
  if (!isHere || name === 'renewed') return
  if (name === 'session-ended' && reason !== 'replaced_by_login') tellNow('another session of yours ended')
  handle(await showSessions())
}

// A page that nobody sees asks for nothing.
function lookLater(milliseconds = untilNextLook()) {
  clearTimeout(nextLook)
  if (!document.hidden) nextLook = setTimeout(lookAgain, milliseconds)
}

function untilNextLook() {
  const untilDue = millisecondsUntilDue()
  return untilDue > 0 ? Math.min(POLL_MILLISECONDS, untilDue + 100) : POLL_MILLISECONDS
}

async function askForAccount() {
  const asker = here
  const answer = await ask('/api/account')
  // It may be somebody else's page by now.
  if (answer.outcome === 'answered' && here === asker) showAccount(answer.body)
  handle(answer)
}

function handle(answer) {
  if (answer.outcome === 'logged-out') showLoggedOut(answer.code)
  if (answer.outcome === 'refused') showNotice(answer.detail, 'refused')
  if (answer.outcome === 'try-later') {
    const soon = seconds(answer.afterSeconds)
    const text = `The bank cannot answer right now. Nothing is lost; it is asked again in ${soon}.`
    showNotice(text, 'note', { passes: true })
    lookLater(answer.afterSeconds * 1000)
  }
}

function showLoggedIn({ user, session }, reason) {
  showSession(session, reason)
  rates.watch()
  sessionEvents.watch()
  if (session.createdAt === here?.createdAt) return
  forgetAccount()
  here = { sub: user.sub, createdAt: session.createdAt }
  hideNotice()
  byId('hello').textContent = `Hello, ${user.name ?? user.sub}`
  showProvider(user.profile)
  show('logged-in')
  askForAccount()
  showSessions().then(handle)
  restoreDrafts(user.sub).forEach(offerAgain)
}

function showLoggedOut(code) {
  const before = here
  forgetPerson()
  show('logged-out')
  if (!before) return
  const more = []
  if (isSending()) more.push('Nothing was sent.')
  if (keepDrafts(before.sub)) more.push('What you typed is kept for you.')
  showEnd(code ?? endReason, more)
  byId('welcome').focus({ preventScroll: true })
  scrollTo(0, 0)
}

function stopListening() {
  rates.stop()
  sessionEvents.stop()
}

function show(view) {
  byId('logged-in').hidden = view !== 'logged-in'
  byId('logout').hidden = view !== 'logged-in'
  byId('logged-out').hidden = view !== 'logged-out'
}

function showAccount({ balance, address }) {
  byId('balance').textContent = euros.format(balance)
  byId('address').defaultValue = address
}

function forgetPerson() {
  here = undefined
  stopListening()
  forgetSession()
  forgetAccount()
}

/** Nothing of one person is left for the next. What was typed stays, for its own form to keep. */
function forgetAccount() {
  byId('balance').textContent = '…'
  byId('address').defaultValue = ''
  byId('hello').textContent = 'Hello'
  byId('sessions').replaceChildren()
  for (const result of document.querySelectorAll('.result')) say(result, '')
}

/** A person's own page at the provider, where it has one (OpenID Connect Core §5.1). */
function showProvider(profile) {
  const known = /^https?:\/\//.test(profile)
  byId('provider-card').hidden = !known
  if (known) byId('account-at-provider').href = profile
}
