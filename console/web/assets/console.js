// Sound, keys and the language switch: what a page cannot say in Python.
(() => {
  let audio = null;
  const ready = () => {
    audio = audio || new AudioContext();
    if (audio.state === "suspended") audio.resume();
  };
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, ready, { passive: true });

  // Where a screen reader hears of it: it must be there before anything is written into it.
  const banner = document.createElement("div");
  banner.className = "sy-alarm sy-noprint";
  banner.setAttribute("role", "alert");
  const quiet = () => {
    banner.replaceChildren();
    document.title = document.title.replace(/^\(!\) /, "");
  };
  addEventListener("DOMContentLoaded", () => document.body.append(banner));

  // Said in words, in the title of the tab, and in two tones, falling; made here, so there is no file to fetch.
  window.syAlarm = (told) => {
    document.body.dataset.alarms = String(Number(document.body.dataset.alarms || 0) + 1);
    say(told);
    ready();
    audio.resume().then(() => banner.querySelector("small")?.remove());
    if (audio.state !== "running") {
      const hint = document.createElement("small");
      hint.textContent = told.muted;
      banner.append(hint);
    }
    const at = audio.currentTime;
    for (const [n, tone] of [[0, 880], [1, 660], [2, 880], [3, 660]]) {
      const wave = audio.createOscillator();
      const gain = audio.createGain();
      wave.frequency.value = tone;
      gain.gain.setValueAtTime(0.0001, at + n * 0.22);
      gain.gain.exponentialRampToValueAtTime(0.25, at + n * 0.22 + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, at + n * 0.22 + 0.2);
      wave.connect(gain).connect(audio.destination);
      wave.start(at + n * 0.22);
      wave.stop(at + n * 0.22 + 0.21);
    }
  };

  const say = (told) => {
    const mark = document.createElement("b");
    mark.textContent = `▲ ${told.head}`;
    const links = told.reds.map((red) => {
      const link = document.createElement("a");
      link.href = red.href;
      link.textContent = red.title;
      return link;
    });
    const away = document.createElement("button");
    away.type = "button";
    away.textContent = told.close;
    away.addEventListener("click", quiet);
    banner.replaceChildren(mark, ...links, away);
    if (!document.title.startsWith("(!) ")) document.title = `(!) ${document.title}`;
  };

  window.syCookie = (name, value) => {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
    const url = new URL(location.href);
    url.searchParams.delete("lang");
    history.replaceState(null, "", url);
    location.reload();
  };

  // What is filtered stands in the address, so that a reload and a sent link show the same.
  window.syAddress = (query) => {
    const url = new URL(location.href);
    for (const [key, value] of Object.entries(query)) {
      if (value) url.searchParams.set(key, value);
      else url.searchParams.delete(key);
    }
    history.replaceState(null, "", url);
  };

  // A stretch of time as a bar, for the chart of windows.
  window.syBand = (api) => {
    const from = api.coord([api.value(1), api.value(0)]);
    const to = api.coord([api.value(2), api.value(0)]);
    const shape = { x: from[0], y: from[1] - 8, width: Math.max(1, to[0] - from[0]), height: 16 };
    return { type: "rect", shape, style: { fill: api.visual("color") } };
  };

  window.sySignOut = () => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = "/sign-out";
    document.body.append(form);
    form.submit();
  };
})();
