// The small line that shows how a rate went.
const MOST_POINTS = 40
const WIDTH = 100
const HEIGHT = 24

/** @param {SVGPolylineElement} line @param {number[]} rates the newest last; older ones than the line shows are dropped */
export function drawLine(line, rates) {
  rates.splice(0, rates.length - MOST_POINTS)
  const lowest = Math.min(...rates)
  const range = Math.max(...rates) - lowest || 1
  const points = rates.map((rate, index) => {
    const x = WIDTH - (rates.length - 1 - index) * (WIDTH / (MOST_POINTS - 1))
    const y = HEIGHT - 2 - ((rate - lowest) / range) * (HEIGHT - 4)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  line.setAttribute('points', points.join(' '))
}
