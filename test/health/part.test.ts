// What is asked now and then, by itself: how long it is left alone.
import { createPart } from '../../src/health/part.ts'
import { backOffAfterUnanswered } from '../../src/renewal/back-off.ts'

test('the provider is left alone for longer with each failure in a row, up to a minute', () => {
  expect([1, 2, 3, 4, 5, 50].map(backOffAfterUnanswered)).toEqual([5, 10, 20, 40, 60, 60])
})

test('failures are counted in a row: an answer begins anew', async () => {
  const answers = ['no', 'no', 'no', 'yes', 'no']
  const part = createPart(
    async () => {
      if (answers.shift() === 'no') throw new Error('away')
    },
    { afterAnswer: 0, afterFailure: (failures) => (answers.length === 0 ? 100 * failures : 0) },
  )
  while (answers.length > 0) await part.askIfDue()
  expect([part.health().status, part.rest()]).toEqual(['down', { retryAfterSeconds: 100 }])
  // Until then nobody is asked.
  answers.push('yes')
  await part.askIfDue()
  expect(part.health().status).toBe('down')
})
