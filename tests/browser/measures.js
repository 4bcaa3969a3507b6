// What people with eyes would see, in numbers.
const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".visually-hidden, .select2-hidden-accessible");
const told = (element) => `${element.tagName.toLowerCase()}.${element.className} ${element.textContent.trim().slice(0, 40)}`;
const ownText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
const texts = (root) => [...document.querySelectorAll(`${root} *`)].filter((element) => ownText(element) && seen(element));

// Any colour a style sheet can say, as the screen shows it.
const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
const brush = canvas.getContext("2d", { willReadFrequently: true });

function rgba(colour) {
  brush.clearRect(0, 0, 1, 1);
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = brush.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
}

const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];

function ground(element) {
  if (!element) return [255, 255, 255, 1];
  const own = rgba(getComputedStyle(element).backgroundColor);
  return own[3] === 1 ? own : over(own, ground(element.parentElement));
}

function opacity(element) {
  return element ? parseFloat(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1;
}

function light([red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(element) {
  const below = ground(element);
  const ink = rgba(getComputedStyle(element).color);
  ink[3] *= opacity(element);
  const [high, low] = [light(over(ink, below)), light(below)].sort((one, other) => other - one);
  return (high + 0.05) / (low + 0.05);
}

// WCAG 2: large is 24 px, or 18.66 px in bold.
function hasEnoughContrast(element) {
  const style = getComputedStyle(element);
  const size = parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  return contrast(element) >= (isLarge ? 3 : 4.5);
}

function tooFaint(root) {
  return texts(root).filter((element) => !hasEnoughContrast(element)).map((each) => `${told(each)} ${contrast(each).toFixed(2)}`);
}

// How high a finger may be wrong: what answers there counts, not what is drawn.
function touchHeight(element) {
  element.scrollIntoView({ block: "center", behavior: "instant" });
  const box = element.getBoundingClientRect();
  const x = box.left + Math.min(box.width / 2, 30);
  const middle = box.top + box.height / 2;
  const isHit = (y) => {
    const hit = document.elementFromPoint(x, y);
    return element.contains(hit) || element.contains(hit?.closest("label")?.control ?? null);
  };
  let [top, bottom] = [middle, middle];
  while (isHit(top - 1)) top -= 1;
  while (isHit(bottom + 1)) bottom += 1;
  return isHit(middle) ? bottom - top + 1 : 0;
}

function tooLow(root) {
  const targets = document.querySelectorAll(`:is(${root}) :is(a[href], button, select, summary, input:not([type=hidden]))`);
  return [...targets].filter((each) => seen(each) && touchHeight(each) < 43.5).map((each) => `${told(each)} ${touchHeight(each)}`);
}

// Words that end in the middle, or lie outside their card or the screen.
function cutOff() {
  const found = [];
  for (const card of document.querySelectorAll(".machine")) {
    if (!seen(card)) continue;
    const frame = card.getBoundingClientRect();
    if (!isWithin(frame, { top: 0, left: 0, right: innerWidth, bottom: innerHeight })) found.push(`card ${told(card)}`);
    for (const element of card.querySelectorAll("*")) {
      if (!seen(element) || element.closest("svg")) continue;
      const isClipped = getComputedStyle(element).overflow !== "visible";
      const isFull = isClipped && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1);
      if (isFull || !isWithin(element.getBoundingClientRect(), frame)) found.push(told(element));
    }
  }
  return found;
}

function isWithin(inner, outer) {
  return inner.top >= outer.top - 1 && inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.bottom <= outer.bottom + 1;
}

const hasScrollbars = () => innerWidth > document.documentElement.clientWidth || innerHeight > document.documentElement.clientHeight;
const scrollsSideways = () => document.documentElement.scrollWidth > document.documentElement.clientWidth;
