// The two forms. What cannot be sent before somebody logs in, or shows that it is still them, is not lost.
import { ask } from './server.js'
import { euros, say } from './words.js'

const FORMS = {
  transfer: {
    path: '/api/transfers',
    method: 'POST',
    read: ({ to, amount }) => ({ to: to.value, amount: amount.valueAsNumber }),
    asking: 'Asking the provider, then sending …',
    done: ({ transfer }) => `Sent ${euros.format(transfer.amount)} to ${transfer.to}.`,
    reason: 'by the transfer',
  },
  move: {
    path: '/api/address',
    method: 'PUT',
    read: ({ address }) => ({ address: address.value }),
    asking: 'Changing …',
    done: ({ address }) => `From now on we write to ${address}.`,
    reason: undefined,
  },
}

let sending = false

/** Whether somebody waits for what became of a form. */
export function isSending() {
  return sending
}

/** @param {(form: HTMLFormElement, answer: import('./server.js').Answer, reason?: string) => void} whenAnswered */
export function startForms(whenAnswered) {
  for (const [id, { path, method, read, asking, done, reason }] of Object.entries(FORMS)) {
    const form = document.forms[id]
    const result = resultIn(form)
    form.addEventListener('input', () => say(result, ''))
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      // Not by disabling the button, which would take the keyboard's place in the page away.
      if (sending) return
      sending = true
      say(result, asking)
      const answer = await ask(path, method, read(form.elements))
      sending = false
      say(result, ...resultOf(answer, done))
      whenAnswered(form, answer, reason)
    })
  }
}

/** Somebody is back from logging in. */
export function offerAgain(form) {
  const text = 'You are back, and this has not been sent yet. Look it over and press the button again.'
  say(resultIn(form), text, 'note')
  form.querySelector('button').focus()
}

function resultOf(answer, done) {
  switch (answer.outcome) {
    case 'answered':
      return [done(answer.body), 'done']
    case 'refused':
      return [answer.detail, 'refused']
    case 'try-later':
      return answer.untouched
        ? ['Nothing was sent.', 'refused']
        : ['No answer came. Look at your account before you send it again.', 'note']
    default:
      return ['']
  }
}

function resultIn(form) {
  return form.querySelector('.result')
}
