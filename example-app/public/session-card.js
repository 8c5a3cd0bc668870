// The card "Your session": when the ID token was renewed, when it is due, and which renewals this page has seen.
import { serverNow } from './server.js'

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const day = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})

const byId = (id) => document.getElementById(id)

let session

/** How long until the next renewal is due, in milliseconds; less than 0 when it is overdue. */
export function millisecondsUntilDue() {
  return session ? Date.parse(session.dueAt) - serverNow() : Number.POSITIVE_INFINITY
}

/** Shows what the server said about the session, and logs the renewal that happened since, if any. */
export function showSession(current, reason) {
  if (session && current.createdAt === session.createdAt) {
    // Answers can overtake each other.
    if (current.generation < session.generation) return
    if (current.generation > session.generation) logRenewal(session, current, reason)
  }
  session = current
  showTime('renewed-at', current.renewedAt, clock)
  showTime('created-at', current.createdAt, day)
  showTime('expires-at', current.expiresAt, day)
  byId('generation').textContent = current.generation
  showCountdown()
}

export function showCountdown() {
  if (!session) return
  const seconds = Math.ceil(millisecondsUntilDue() / 1000)
  byId('due-in').textContent = seconds > 0 ? `in ${seconds} s` : 'with the next request'
  const timeframe = Date.parse(session.dueAt) - Date.parse(session.renewedAt)
  byId('due-progress').value = Math.min(1, Math.max(0, millisecondsUntilDue() / timeframe))
}

export function forgetSession() {
  session = undefined
}

function logRenewal(before, now, reason) {
  const ahead = Date.parse(now.renewedAt) < Date.parse(before.dueAt)
  const why =
    reason ?? (ahead ? 'ahead of time, beside a request' : 'it was due, and a request waited for it')
  const entry = document.createElement('li')
  const when = document.createElement('time')
  when.dateTime = now.renewedAt
  when.textContent = clock.format(new Date(now.renewedAt))
  entry.append(when, ` generation ${now.generation}: ${why}`)
  byId('renewals').prepend(entry)
  byId('no-renewals').hidden = true
}

function showTime(id, iso, format) {
  const element = byId(id)
  element.dateTime = iso
  element.textContent = format.format(new Date(iso))
}
