// The card "Your session": when the next renewal is due, and what happened so far.
import { byId, clock, seconds, timeElement } from './words.js'

const MOST_ENTRIES = 8
/** The server renews ahead of time when a fifth of the timeframe is left, or less. */
const MOST_AHEAD = 0.25

let session
// How far the server's clock is ahead of this one.
let aheadMilliseconds = 0

/** How long until the next renewal is due, in milliseconds; less than 0 when it is overdue. */
export function millisecondsUntilDue() {
  return session ? Date.parse(session.dueAt) - Date.now() - aheadMilliseconds : Number.POSITIVE_INFINITY
}

/** Shows what the server said about the session, and tells of the renewal that happened since, if any. */
export function showSession(current, reason) {
  // Answers can overtake each other.
  if (session?.createdAt === current.createdAt && current.generation < session.generation) return
  const before = session
  session = current
  const ahead = Date.parse(current.expiresAt) - current.expiresIn * 1000 - Date.now()
  // Whole seconds, so a small difference says nothing.
  aheadMilliseconds = Math.abs(ahead) > 2000 ? ahead : 0
  if (before?.createdAt !== current.createdAt) begin(current)
  else if (before.generation < current.generation) tell(current.renewedAt, renewal(before, current, reason))
  showCountdown()
}

export function showCountdown() {
  if (!session) return
  const left = Math.ceil(millisecondsUntilDue() / 1000)
  byId('due-in').textContent = left > 0 ? `in ${seconds(left)}` : 'with the next request'
  byId('due-progress').value = Math.min(1, Math.max(0, millisecondsUntilDue() / timeframeOf(session)))
}

export function forgetSession() {
  session = undefined
}

export function tellNow(text) {
  tell(new Date(Date.now() + aheadMilliseconds).toISOString(), text)
}

function begin({ createdAt, renewedAt, generation }) {
  byId('timeline').replaceChildren()
  tell(createdAt, 'you logged in')
  if (generation > 1) tell(renewedAt, 'renewed, before this page was opened')
}

function renewal(before, now, reason) {
  if (reason) return `renewed ${reason}`
  const early = Date.parse(before.dueAt) - Date.parse(now.renewedAt)
  if (early > timeframeOf(before) * MOST_AHEAD) return 'renewed for another window'
  return early > 0 ? 'renewed ahead of time' : 'renewed because it was due'
}

function timeframeOf({ renewedAt, dueAt }) {
  return Date.parse(dueAt) - Date.parse(renewedAt)
}

function tell(iso, text) {
  const entry = document.createElement('li')
  entry.append(timeElement(iso, clock), ` – ${text}`)
  const timeline = byId('timeline')
  timeline.prepend(entry)
  timeline.children[MOST_ENTRIES]?.remove()
}
