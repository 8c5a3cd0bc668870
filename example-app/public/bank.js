// The page of the bank: finds out who is here, and shows them their account or the way to log in.
import { login, logout, onSessionEnd, stepUp } from '/express-bff-session/index.js'
import { forgetDrafts, keepDrafts, restoreDrafts } from './drafts.js'
import { isSending, offerAgain, startForms } from './forms.js'
import { explainLogIn, hideNotice, hidePassingNotice, showNotice } from './notice.js'
import { createRatesCard } from './rates-card.js'
import { ask, askWhoIsHere } from './server.js'
import { forgetSession, millisecondsUntilDue, showCountdown, showSession } from './session-card.js'
import { showSessions, startSessionsCard } from './sessions-card.js'
import { byId, euros, seconds } from './words.js'

const POLL_MILLISECONDS = 5000

/** Who is logged in, and since when; undefined where nobody is. */
let here
let nextLook
const rates = createRatesCard(() => lookAgain())

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
  // The back button may show this page as it was left.
  show('nothing')
  logout()
})
byId('refresh-balance').addEventListener('click', async () => {
  await askForAccount()
  await lookAgain()
})
// Once at the start, and again when the back button brings an old page up as it was.
addEventListener('pageshow', () => lookAgain().then(explainLogIn))
document.addEventListener('visibilitychange', () => (document.hidden ? rates.stop() : lookAgain()))
setInterval(showCountdown, 250)

async function lookAgain(reason) {
  clearTimeout(nextLook)
  const answer = await askWhoIsHere()
  if (answer.outcome !== 'answered') return handle(answer)
  if (answer.body === undefined) return showLoggedOut()
  hidePassingNotice()
  showLoggedIn(answer.body, reason)
  lookLater()
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
  if (answer.outcome === 'refused') showNotice(answer.detail)
  if (answer.outcome === 'try-later') {
    const soon = seconds(answer.afterSeconds)
    showNotice(`The bank cannot answer right now. Nothing is lost; it is asked again in ${soon}.`, {
      passes: true,
    })
    lookLater(answer.afterSeconds * 1000)
  }
}

function showLoggedIn({ user, session }, reason) {
  showSession(session, reason)
  rates.watch()
  if (session.createdAt === here?.createdAt) return
  forgetAccount()
  here = { sub: user.sub, createdAt: session.createdAt }
  hideNotice()
  byId('hello').textContent = `Hello, ${user.name ?? user.sub}`
  showProvider(user.profile)
  show('logged-in')
  askForAccount().then(() => lookAgain('to get an access token for the API'))
  showSessions().then(handle)
  restoreDrafts(user.sub).forEach(offerAgain)
}

function showLoggedOut(code) {
  const before = here
  here = undefined
  rates.stop()
  forgetSession()
  forgetAccount()
  show('logged-out')
  if (!before) return
  const notice = [reasonOf(code)]
  if (isSending()) notice.push('Nothing was sent.')
  if (keepDrafts(before.sub)) notice.push('What you typed is kept for you.')
  showNotice(notice.join(' '))
  byId('welcome').focus({ preventScroll: true })
  scrollTo(0, 0)
}

function reasonOf(code) {
  return code === 'session_ended'
    ? 'Your provider no longer vouches for you, so the bank has logged you out.'
    : 'You are logged out. Log in to go on here.'
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

/** Nothing of one person is left for the next. What was typed stays, for its own form to keep. */
function forgetAccount() {
  byId('balance').textContent = '…'
  byId('address').defaultValue = ''
  byId('hello').textContent = 'Hello'
  byId('sessions').replaceChildren()
  for (const result of document.querySelectorAll('.result')) result.textContent = ''
}

/** A person's own page at the provider, where it has one (OpenID Connect Core §5.1). */
function showProvider(profile) {
  const known = /^https?:\/\//.test(profile)
  byId('provider-card').hidden = !known
  if (known) byId('account-at-provider').href = profile
}
