// The page of the bank: asks who is signed in, shows the account, and sends money.
import { get, logInURL, post } from './server.js'
import { forgetSession, millisecondsUntilDue, showCountdown, showSession } from './session-card.js'
import { showSessions, startSessionsCard } from './sessions-card.js'

const POLL_MILLISECONDS = 5000

const byId = (id) => document.getElementById(id)
const euros = new Intl.NumberFormat('en-GB', { style: 'currency', currency: 'EUR' })
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

let signedInSince
let nextLook

byId('do-something').addEventListener('click', doSomething)
byId('transfer').addEventListener('submit', sendMoney)
startSessionsCard(async (answer) => {
  handle(answer)
  await lookAgain()
  if (signedInSince) handle(await showSessions())
})
byId('transfer').addEventListener('input', () => byId('transfer-result').replaceChildren())
// Once at the start, and again when the back button brings an old page up as it was.
addEventListener('pageshow', () => lookAgain())
document.addEventListener('visibilitychange', () => document.hidden || lookAgain())
setInterval(showCountdown, 250)

async function lookAgain(reason) {
  clearTimeout(nextLook)
  const answer = await get('/me')
  if (answer.outcome !== 'answered') return handle(answer)
  if (answer.body.authenticated) {
    hideNotice()
    showSignedIn(answer.body, reason)
    lookLater()
  } else {
    showSignedOut(logInURL())
  }
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

async function doSomething() {
  const answer = await get('/api/balance')
  if (answer.outcome !== 'answered') return handle(answer)
  showBalance(answer.body.balance)
  byId('activity-result').textContent =
    `Asked for the balance at ${clock.format(new Date())}, answered with generation ${answer.body.session.generation}.`
  await lookAgain()
}

async function sendMoney(event) {
  event.preventDefault()
  const form = event.target
  const result = byId('transfer-result')
  const button = form.querySelector('button')
  button.disabled = true
  result.textContent = 'Asking the provider, then sending …'
  const answer = await post('/api/transfer', {
    to: form.elements.to.value,
    amount: form.elements.amount.valueAsNumber,
  })
  button.disabled = false
  if (answer.outcome === 'signed-out' || answer.outcome === 'try-later') {
    const isCertain = answer.outcome === 'signed-out' || answer.untouched
    result.textContent = isCertain
      ? 'Nothing was sent.'
      : 'No answer came. Look at your balance before you send it again.'
    return handle(answer)
  }
  if (answer.outcome === 'answered') {
    const { transfer, balance, session } = answer.body
    result.textContent =
      `Sent ${euros.format(transfer.amount)} to ${transfer.to}. ` +
      `The provider was asked first, which made generation ${session.generation}.`
    form.reset()
    showBalance(balance)
  } else {
    result.textContent = answer.detail
  }
  // A refused transfer was asked about too.
  await lookAgain('asked for by your transfer')
}

function handle(answer) {
  if (answer.outcome === 'signed-out') showSignedOut(answer.logInURL)
  if (answer.outcome === 'try-later') {
    const { afterSeconds } = answer
    const soon = `${afterSeconds} second${afterSeconds === 1 ? '' : 's'}`
    showNotice(`The bank cannot answer right now. Nothing is lost; it is asked again in ${soon}.`)
    lookLater(afterSeconds * 1000)
  }
}

function showSignedIn({ user, session }, reason) {
  byId('name').textContent = user.name ?? user.sub
  byId('owner').textContent = [user.name, user.email].filter(Boolean).join(' · ')
  showSession(session, reason)
  if (session.createdAt === signedInSince) return
  signedInSince = session.createdAt
  show('signed-in')
  get('/api/balance').then((answer) => {
    if (answer.outcome === 'answered') showBalance(answer.body.balance)
    else handle(answer)
  })
  showSessions().then(handle)
}

function showSignedOut(url) {
  byId('log-in').href = url
  show('signed-out')
  if (signedInSince) {
    showNotice('You are signed out. Log in to go on here.')
    byId('welcome').focus({ preventScroll: true })
    scrollTo(0, 0)
  }
  signedInSince = undefined
  forgetSession()
}

function show(view) {
  byId('signed-in').hidden = view !== 'signed-in'
  byId('log-out').hidden = view !== 'signed-in'
  byId('signed-out').hidden = view !== 'signed-out'
}

function showBalance(balance) {
  byId('balance').textContent = euros.format(balance)
}

function showNotice(text) {
  byId('notice').textContent = text
  byId('notice').hidden = false
}

function hideNotice() {
  byId('notice').hidden = true
}
