// The log says a few lines of each kind a minute, and then how many more there were.
import { createLimitedLog } from '../../src/lib/limited-log.ts'
import { eventually } from '../support/deadline.ts'

test('of each kind a few lines are said, and the rest is counted', () => {
  const lines: string[] = []
  const log = createLimitedLog((line) => lines.push(line))
  for (let count = 0; count < 1000; count += 1) {
    log.warn('refused', `refused: ${count}`)
    if (count < 12) log.warn('denied', `denied: ${count}`)
  }
  const [refused, denied] = ['refused', 'denied'].map((kind) => lines.filter((line) => line.startsWith(kind)))
  expect(refused).toEqual(Array.from({ length: 10 }, (_, count) => `refused: ${count}`))
  expect(denied).toHaveLength(10)
  lines.length = 0
  log.close()
  expect(lines).toEqual(['refused: 990 more within a minute', 'denied: 2 more within a minute'])
})

test('when the minute is over the rest is told, without another line, and lines are said again', async () => {
  const lines: string[] = []
  const log = createLimitedLog((line) => lines.push(line), 20)
  for (let count = 0; count < 15; count += 1) log.warn('refused', 'a line')
  await eventually('the rest is told', () => lines.length === 11)
  expect(lines.at(-1)).toBe('refused: 5 more within a minute')
  log.warn('refused', 'another line')
  expect(lines.at(-1)).toBe('another line')
})
