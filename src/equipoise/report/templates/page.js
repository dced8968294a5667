"use strict";
// The page is whole without this script: it adds a contents list that follows the reader,
// figures that enlarge and say their numbers, and PNG. It asks for nothing outside the page.
(() => {
  const make = (tag, words, kind) => {
    const element = document.createElement(tag);
    if (words) element.textContent = words;
    if (kind) element.className = kind;
    return element;
  };

  // Contents: the entry of what is being read is marked; narrow screens fold the list.
  const contents = document.querySelector(".contents");
  const links = [...contents.querySelectorAll("a")];
  const places = links.map((link) => document.getElementById(link.hash.slice(1)));
  let current = -1;
  const follow = () => {
    let now = 0;
    places.forEach((place, i) => { if (place && place.getBoundingClientRect().top < 120) now = i; });
    if (now === current) return;
    current = now;
    links.forEach((link, i) => {
      if (i === now) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    });
    for (const item of contents.querySelectorAll("li")) {
      item.classList.toggle("here", item.contains(links[now]));
    }
    const list = contents.parentElement, link = links[now];
    if (list.scrollHeight > list.clientHeight) {
      list.scrollTop = link.offsetTop - list.clientHeight / 2;
    }
  };
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; follow(); });
  };
  addEventListener("scroll", later, { passive: true });
  addEventListener("resize", later);
  contents.classList.add("follows");
  const narrow = matchMedia("(max-width: 60rem)");
  const fold = () => { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();
  follow();
  contents.addEventListener("click", (event) => {
    if (narrow.matches && event.target.closest("a")) contents.open = false;
  });

  // Points: the numbers of a marker beside the pointer, or by the arrow keys.
  const tip = make("div", "", "tip");
  tip.setAttribute("aria-hidden", "true");
  tip.hidden = true;
  document.body.append(tip);
  let told = null;
  const hush = () => {
    if (told) told.classList.remove("told");
    told = null;
    tip.hidden = true;
  };
  const tell = (point) => {
    if (point === told) return;
    hush();
    told = point;
    point.classList.add("told");
    (point.closest("dialog") || document.body).append(tip);
    tip.textContent = point.getAttribute("aria-label");
    tip.hidden = false;
    const box = point.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const room = document.documentElement.clientWidth - own.width - 8;
    tip.style.left = Math.max(8, Math.min(room, box.left + box.width / 2 - own.width / 2)) + "px";
    const above = box.top - own.height - 10;
    tip.style.top = (above > 4 ? above : box.bottom + 10) + "px";
  };
  const nearest = (points, event) => {
    let best = null, least = 24;
    for (const point of points) {
      const box = point.getBoundingClientRect();
      const far = Math.hypot(event.clientX - box.left - box.width / 2,
        event.clientY - box.top - box.height / 2);
      if (far < least) [best, least] = [point, far];
    }
    return best;
  };
  const speak = (drawing) => {
    const points = [...drawing.querySelectorAll(".point")];
    if (!points.length) return;
    const title = drawing.querySelector("title");
    drawing.setAttribute("role", "group");
    drawing.setAttribute("aria-label", title.textContent);
    title.remove();
    points.forEach((point, i) => {
      const words = point.querySelector("title");
      point.setAttribute("role", "img");
      point.setAttribute("aria-label", words.textContent);
      point.setAttribute("tabindex", i ? "-1" : "0");
      words.remove();
      point.addEventListener("focus", () => tell(point));
      point.addEventListener("blur", hush);
    });
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    drawing.addEventListener("keydown", (event) => {
      const from = points.indexOf(event.target.closest(".point"));
      let to = from + (step[event.key] || 0);
      if (event.key === "Home") to = 0;
      if (event.key === "End") to = points.length - 1;
      if (from < 0 || to === from || !points[to]) return;
      event.preventDefault();
      points[from].setAttribute("tabindex", "-1");
      points[to].setAttribute("tabindex", "0");
      points[to].focus();
    });
    drawing.addEventListener("pointermove", (event) => {
      const point = nearest(points, event);
      if (point) tell(point); else hush();
    });
    drawing.addEventListener("pointerleave", hush);
  };
  addEventListener("keydown", (event) => { if (event.key === "Escape") hush(); });
  addEventListener("scroll", () => { if (told && told !== document.activeElement) hush(); },
    { passive: true });

  // Figures: large in a dialog, with their caption; PNG of what the SVG link holds.
  const dialog = make("dialog");
  dialog.setAttribute("aria-label", "Figure, enlarged");
  const close = make("button", "Close");
  close.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  let back = null;
  dialog.addEventListener("close", () => { hush(); if (back) back(); back = null; });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  addEventListener("beforeprint", () => { if (dialog.open) { dialog.close(); if (back) back(); back = null; } });
  const enlarge = (figure) => {
    if (dialog.open) return;
    const drawing = figure.querySelector("svg"), caption = figure.querySelector("figcaption");
    const place = document.createComment("");
    figure.style.minHeight = figure.offsetHeight + "px";
    drawing.replaceWith(place);
    dialog.replaceChildren(close, drawing, make("p", caption.textContent, "note"));
    back = () => { place.replaceWith(drawing); figure.style.minHeight = ""; };
    dialog.showModal();
  };
  const save = (blob, name) => {
    const link = make("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const png = (link) => {
    const image = new Image();
    image.addEventListener("load", () => {
      const canvas = make("canvas");
      canvas.width = 3 * image.naturalWidth;
      canvas.height = 3 * image.naturalHeight;
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(blob, link.download.replace(/svg$/, "png")), "image/png");
    });
    image.src = link.href;
  };
  for (const figure of document.querySelectorAll("figure")) {
    const drawing = figure.querySelector("svg"), link = figure.querySelector("a[download]");
    if (!drawing || !link) continue;
    speak(drawing);
    figure.classList.add("grows");
    drawing.addEventListener("click", () => enlarge(figure));
    const larger = make("button", "Enlarge"), picture = make("button", "PNG");
    const what = link.getAttribute("aria-label").replace(/^SVG/, "");
    larger.setAttribute("aria-label", "Enlarge" + what);
    picture.setAttribute("aria-label", "PNG" + what);
    larger.addEventListener("click", () => enlarge(figure));
    picture.addEventListener("click", () => png(link));
    link.before(larger);
    link.after(picture);
  }
})();
