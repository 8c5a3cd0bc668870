// The log says a few lines of each kind a minute, and then how many more there were.
import { createLimitedLog } from '../../src/lib/limited-log.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'

const HOW = { fields: {} }

test('of each kind a few lines are said, and the rest is counted', () => {
  const { lines, logger } = createLog()
  const log = createLimitedLog(logger)
  for (let count = 0; count < 1000; count += 1) {
    log.say('refused', `refused: ${count}`, HOW)
    if (count < 12) log.say('denied', `denied: ${count}`, HOW)
  }
  const [refused, denied] = ['refused', 'denied'].map((kind) => lines.filter((line) => line.startsWith(kind)))
  expect(refused).toEqual(Array.from({ length: 10 }, (_, count) => `refused: ${count}`))
  expect(denied).toHaveLength(10)
  lines.length = 0
  log.close()
  expect(lines).toEqual(['refused: 990 more within a minute', 'denied: 2 more within a minute'])
})

test('of kinds without end fifty are said, and the rest is counted', () => {
  const { lines, logger } = createLog()
  const log = createLimitedLog(logger)
  for (let count = 0; count < 1000; count += 1) log.say(`kind ${count}`, `a line of kind ${count}`, HOW)
  expect(lines).toHaveLength(50)
  log.close()
  expect(lines.slice(50)).toEqual(['express-bff-session: lines of other kinds: 950 more within a minute'])
})

test('the count has the level and the fields of its lines, but for whom one of them was about', () => {
  const told: unknown[][] = []
  const note =
    (level: string) =>
    (...all: unknown[]) =>
      void told.push([level, ...all])
  const log = createLimitedLog({ error: note('error'), warn: note('warn'), info: note('info') })
  for (const subject of ['alice', 'bob'])
    log.say('lost', `lost: ${subject}`, {
      level: 'error',
      fields: { event: 'commit-lost', subject },
      most: 1,
    })
  log.close()
  expect(told).toEqual([
    ['error', 'lost: alice', { event: 'commit-lost', subject: 'alice' }],
    ['error', 'lost: 1 more within a minute', { event: 'commit-lost' }],
  ])
})

test('when the minute is over the rest is told, without another line, and lines are said again', async () => {
  const { lines, logger } = createLog()
  const log = createLimitedLog(logger, 20)
  for (let count = 0; count < 15; count += 1) log.say('refused', 'a line', HOW)
  await eventually('the rest is told', () => lines.length === 11)
  expect(lines.at(-1)).toBe('refused: 5 more within a minute')
  log.say('refused', 'another line', HOW)
  expect(lines.at(-1)).toBe('another line')
})
