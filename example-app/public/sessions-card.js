// The card "Where you are logged in": every session of this person, and a way to end each of them.
import { ask } from './server.js'
import { byId, day, placeOf, say, timeElement } from './words.js'

const BROWSERS = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Firefox', 'Firefox'],
  ['Chrome', 'Chrome'],
  ['Safari', 'Safari'],
]
const SYSTEMS = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS', 'Linux']

/** @param {(answer: import('./server.js').Answer) => void} whenChanged is told what the server answered to the end of a session */
export function startSessionsCard(whenChanged) {
  byId('end-all').addEventListener('click', () => end('/api/sessions'))
  byId('sessions').addEventListener('click', ({ target }) => {
    if (target.dataset.id) end(`/api/sessions/${encodeURIComponent(target.dataset.id)}`)
  })

  async function end(path) {
    const answer = await ask(path, 'DELETE')
    if (answer.outcome === 'answered') {
      const { ended } = answer.body
      say(byId('sessions-result'), `${ended} session${ended === 1 ? '' : 's'} ended.`, 'done')
    }
    whenChanged(answer)
  }
}

/** @returns what the server answered */
export async function showSessions() {
  const answer = await ask('/api/sessions')
  if (answer.outcome === 'answered') byId('sessions').replaceChildren(...answer.body.sessions.map(rowOf))
  return answer
}

function rowOf({ id, createdAt, address, userAgent, isThis }) {
  const row = document.createElement('li')
  const what = document.createElement('p')
  const name = document.createElement('strong')
  name.textContent = nameOf(userAgent)
  what.append(name, isThis ? ' (this one)' : '')
  const when = document.createElement('p')
  when.className = 'soft'
  const time = timeElement(createdAt, day)
  when.append('since ', time, address ? ` from ${placeOf(address)}` : '')
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'quiet'
  button.dataset.id = id
  button.textContent = 'End'
  button.setAttribute('aria-label', `End the session of ${nameOf(userAgent)}, since ${time.textContent}`)
  const text = document.createElement('div')
  text.append(what, when)
  row.append(text, button)
  return row
}

function nameOf(userAgent = '') {
  const browser = BROWSERS.find(([mark]) => userAgent.includes(mark))?.[1]
  const system = SYSTEMS.find((mark) => userAgent.includes(mark))
  if (!browser) return userAgent.split(/[ /]/)[0] || 'An unknown browser'
  return system ? `${browser} on ${system}` : browser
}
