// The basket, as a page of its own and as a panel beside the products.

import * as basket from '../basket.js'
import { Refusal, read } from '../api.js'
import { h, speak } from '../dom.js'
import { money, plural, tie } from '../format.js'
import { action, empty, heading, icon, ICONS, note, stepper } from '../parts.js'
import { placeOrder } from '../payment.js'
import { picture } from '../pictures.js'

export async function showBasket({ place, signal }) {
  place.append(heading('Basket'), h('div', { class: 'narrow' }, basketPanel({ signal })))
}

export function basketPanel({ signal }) {
  const panel = h('section', { class: 'panel basket', tabindex: '-1', 'aria-label': 'What is in the basket' })
  const list = h('div', {})
  const refused = h('div', { class: 'refused' })
  panel.append(list, refused)
  // The same while an order is being made, whatever is done to the basket meanwhile: it is made once.
  const order = action('Go to payment', 'One moment…', () => goToPayment(signal, refused), { className: 'button wide', place: refused })
  order.dataset.focus = 'order'
  const paint = () => {
    const focused = panel.contains(document.activeElement) ? document.activeElement.getAttribute('data-focus') : null
    list.replaceChildren(...(basket.count() ? full(order) : [nothing()]))
    // What was taken out is no place to be.
    if (focused) (list.querySelector(`[data-focus="${CSS.escape(focused)}"]`) ?? list.querySelector('button, a') ?? panel).focus()
  }
  paint()
  addEventListener('basket', paint, { signal })
  return panel
}

const nothing = () => empty('Your basket is empty', 'Choose something that you like.', location.hash === '#/basket' && h('a', { class: 'button quiet', href: '#/' }, 'See the products'))

function full(order) {
  const currency = basket.currency()
  return [
    h('p', { class: 'panel-title' }, plural(basket.count(), 'item')),
    h('ul', { class: 'basket-lines' }, basket.lines().map(line)),
    h('p', { class: 'total' }, h('span', {}, 'Total'), h('span', { class: 'amount' }, money(basket.total(), currency))),
    order,
  ]
}

function line(each) {
  const steps = stepper(each.name, each.quantity, (next) => basket.put(each, next))
  for (const [at, button] of steps.querySelectorAll('button').entries()) button.dataset.focus = `${each.product_id} ${at}`
  return h(
    'li',
    {},
    h('span', { class: 'thumb' }, picture(each.product_id, each.name)),
    h('span', { class: 'item-name' }, h('b', {}, tie(each.name)), h('small', {}, money(each.unit_price, each.currency))),
    steps,
    h('button', { type: 'button', class: 'icon-button remove', 'data-focus': `${each.product_id} out`, 'aria-label': `Take ${each.name} out`, onclick: () => takeOut(each) }, icon(ICONS.cross)),
  )
}

function takeOut(each) {
  basket.put(each, 0)
  speak(`${each.name} is taken out.`)
}

async function goToPayment(signal, refused) {
  const lines = basket.lines()
  try {
    const order = await placeOrder(lines, { signal, tell: ({ is }) => is === 'unconnected' && refused.replaceChildren(waiting()) })
    basket.take(lines)
    location.hash = `#/pay/${order.id}`
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const at = wrongProduct(error)
    if (error.code === 'price_changed' || at) {
      const { products } = await read('/products', signal)
      basket.takeUp(products)
      const sold = at && products.find((product) => product.product_id === lines[at]?.product_id)
      if (sold && sold.currency !== lines[at].currency) {
        error.facts = { ...error.facts, product_id: sold.product_id, sold_in: sold.currency, is_taken_up: basket.currency() === sold.currency }
      }
    }
    throw named(error)
  }
}

// Which line has a product that is not for this order, as its place; undefined where none has.
const wrongProduct = ({ facts }) => facts.errors?.map(({ field }) => /^items\.(\d+)\.product_id$/.exec(field)?.[1]).find(Boolean)

// The customer knows products by their names.
function named(refusal) {
  const product = basket.lines().find((each) => each.product_id === refusal.facts.product_id)
  if (product) refusal.facts = { ...refusal.facts, product_id: product.name }
  return refusal
}

const waiting = () => h('p', { class: 'note', role: 'status' }, 'No connection. Your order is made as soon as there is one, once.')
