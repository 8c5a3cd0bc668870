// The card "Where you are logged in": every session of this person, and a way to end each of them.
import { get, remove } from './server.js'

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

const BROWSERS = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Firefox', 'Firefox'],
  ['Chrome', 'Chrome'],
  ['Safari', 'Safari'],
]
const SYSTEMS = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS', 'Linux']

const byId = (id) => document.getElementById(id)

/** @param {(answer: any) => void} whenChanged is told what the server answered to the end of a session */
export function startSessionsCard(whenChanged) {
  byId('end-all').addEventListener('click', () => end('/api/sessions'))
  byId('sessions').addEventListener('click', ({ target }) => {
    if (target.dataset.id) end(`/api/sessions/${encodeURIComponent(target.dataset.id)}`)
  })

  async function end(path) {
    const answer = await remove(path)
    if (answer.outcome === 'answered') {
      const { ended } = answer.body
      byId('sessions-result').textContent = `${ended} session${ended === 1 ? '' : 's'} ended.`
    }
    whenChanged(answer)
  }
}

/** @returns {Promise<any>} what the server answered */
export async function showSessions() {
  const answer = await get('/api/sessions')
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
  const time = document.createElement('time')
  time.dateTime = createdAt
  time.textContent = day.format(new Date(createdAt))
  when.append('since ', time, address ? ` from ${address}` : '')
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
