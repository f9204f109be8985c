// The live map. Layers come from the API of this very address; what changes is pushed by the server (`patch`, `reload`).
// Everything that people wrote goes to the page as text nodes, never as markup.
import { leaflet as L } from "nicegui-leaflet";
import { loadResource } from "../../static/utils/resources.js";

const API = "/api/v1";

export default {
  template: "<div class='sy-map'></div>",
  props: { bounds: Array, lang: String, words: Object, severities: Object, resourcePath: String, focus: String },
  async mounted() {
    await this.$nextTick();
    await loadResource(window.path_prefix + `${this.resourcePath}/leaflet/leaflet.css`);
    this.marks = {};
    this.layers = {};
    this.map = L.map(this.$el, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, maxZoom: 17 });
    L.control.zoom({ position: "bottomright" }).addTo(this.map);
    L.control.scale({ position: "bottomleft", imperial: false }).addTo(this.map);
    this.map.fitBounds(this.bounds);
    for (const [pane, z] of [["base", 200], ["zones", 350], ["things", 420], ["stations", 450], ["cases", 480]]) {
      this.map.createPane(pane).style.zIndex = z;
    }
    this.control = L.control.layers(null, null, { position: "topright", collapsed: window.innerWidth < 1100 }).addTo(this.map);
    this.observer = new ResizeObserver(() => this.map.invalidateSize());
    this.observer.observe(this.$el);
    await this.reload(["basemap", "townships", "waters", "candidates", "reports", "stations", "incidents"]);
    this.$el.dataset.ready = "yes";
  },
  unmounted() {
    this.observer?.disconnect();
    this.map?.remove();
  },
  methods: {
    async reload(names) {
      await Promise.all(names.map((name) => (name === "basemap" ? this.base() : this.things(name))));
    },
    async things(name) {
      const answer = await fetch(`${API}/geojson/${name}`, { credentials: "same-origin" });
      if (answer.ok) this.show(name, await answer.json());
    },
    async base() {
      const answer = await fetch(`${API}/basemap.png`, { credentials: "same-origin" });
      if (!answer.ok) return;
      const [s, w, n, e] = answer.headers.get("x-bounds").split(",").map(Number);
      const url = URL.createObjectURL(await answer.blob());
      this.put("basemap", L.imageOverlay(url, [[s, w], [n, e]], { pane: "base", opacity: 0.75 }));
    },
    put(name, layer) {
      const before = this.layers[name];
      const shown = !before || this.map.hasLayer(before);
      if (before) {
        this.control.removeLayer(before);
        this.map.removeLayer(before);
      }
      this.layers[name] = layer;
      this.control.addOverlay(layer, this.words[name]);
      if (shown) layer.addTo(this.map);
    },
    show(name, data) {
      const drawn = { townships: this.townships, waters: this.waters, stations: this.stations, reports: this.reports,
        candidates: this.candidates, incidents: this.incidents }[name];
      this.put(name, drawn(data));
    },
    townships(data) {
      return L.geoJSON(data, {
        pane: "zones",
        style: { color: "#ffffff", weight: 1.4, opacity: 0.85, fillColor: "#14222c", fillOpacity: 0.04 },
        onEachFeature: (f, layer) => layer.bindTooltip(() => this.lines([this.name(f)]), { sticky: true, className: "sy-tip" }),
      });
    },
    waters(data) {
      return L.geoJSON(data, {
        pane: "zones",
        style: { color: "#1d7fc4", weight: 1.2, fillColor: "#3aa0e6", fillOpacity: 0.55 },
        onEachFeature: (f, layer) => layer.bindTooltip(() => this.lines([this.name(f)]), { sticky: true, className: "sy-tip" }),
      });
    },
    stations(data) {
      this.marks = {};
      return L.geoJSON(data, {
        pointToLayer: (f, at) => {
          const mark = L.marker(at, { pane: "stations", icon: this.icon(f.properties), keyboard: true, alt: this.name(f) });
          this.marks[f.id] = mark;
          mark.feature = f;
          mark.bindTooltip(() => this.told(mark.feature), { direction: "top", className: "sy-tip", offset: [0, -8] });
          mark.on("click", () => this.$emit("open", { kind: "station", id: f.id }));
          return mark;
        },
      });
    },
    icon(p) {
      const shapes = { air: "50%", water: "3px", groundwater: "3px 50% 50% 50%", noise: "50% 3px 50% 3px", source: "0", soil: "6px 6px 50% 50%" };
      const dot = document.createElement("i");
      dot.className = `sy-dot${p.silent ? " sy-silent" : ""}${p.alert ? " sy-ring" : ""}`;
      dot.style.background = p.silent ? "transparent" : p.colour;
      dot.style.borderColor = p.alert ? this.severities[p.alert][0] : p.silent ? p.colour : "#ffffff";
      dot.style.borderRadius = shapes[p.medium] || "50%";
      if (p.alert === "red") dot.classList.add("sy-beat");
      return L.divIcon({ html: dot, className: "sy-mark", iconSize: [18, 18] });
    },
    reports(data) {
      return L.geoJSON(data, {
        // What is dealt with steps back behind what is not.
        pointToLayer: (f, at) =>
          ["closed", "verified"].includes(f.properties.status)
            ? L.circleMarker(at, { pane: "things", radius: 3, color: "#5a2d82", weight: 1, opacity: 0.5, fillColor: "#b78be0", fillOpacity: 0.3 })
            : L.circleMarker(at, { pane: "things", radius: 6, color: "#5a2d82", weight: 2, fillColor: "#c99cf2", fillOpacity: 0.95 }),
        onEachFeature: (f, layer) =>
          layer.bindTooltip(() => this.lines([this.words[`category.${f.properties.category}`] || f.properties.category,
            f.properties.text, this.local(f.properties.observed_at)]), { className: "sy-tip sy-wide" }),
      });
    },
    candidates(data) {
      return L.geoJSON(data, {
        pane: "things",
        style: { color: "#ff3d81", weight: 2, dashArray: "5 3", fillColor: "#ff3d81", fillOpacity: 0.25 },
        onEachFeature: (f, layer) =>
          layer.bindTooltip(() => this.lines([this.words[`candidate.${f.properties.kind}`] || f.properties.kind,
            `${f.properties.area_ha} ha · ${Math.round(f.properties.confidence * 100)} %`, this.local(f.properties.first_seen)]),
          { sticky: true, className: "sy-tip" }),
      });
    },
    incidents(data) {
      return L.geoJSON(data, {
        pointToLayer: (f, at) => {
          const flag = document.createElement("b");
          flag.className = `sy-case${f.properties.handling === "open" && f.properties.severity === "red" ? " sy-beat" : ""}`;
          const [colour, ink] = this.severities[f.properties.severity] || ["#666", "#fff"];
          flag.style.background = colour;
          flag.style.color = ink;
          // The colour in a letter too, for eyes that cannot tell it.
          flag.textContent = (this.words[`severity.${f.properties.severity}`] || "!").slice(0, 1).toUpperCase();
          const mark = L.marker(at, { pane: "cases", icon: L.divIcon({ html: flag, className: "sy-mark", iconSize: [24, 24] }), alt: this.title(f),
            zIndexOffset: 1000 * Object.keys(this.severities).indexOf(f.properties.severity), riseOnHover: true });
          mark.on("click", () => this.$emit("open", { kind: "incident", id: f.id }));
          return mark.bindTooltip(() => this.lines([this.title(f), this.words[`handling.${f.properties.handling}`] || ""]),
            { direction: "top", className: "sy-tip sy-wide", offset: [0, -10] });
        },
      });
    },
    patch(features) {
      for (const f of features) {
        const mark = this.marks[f.id];
        if (!mark) return this.reload(["stations"]);
        mark.feature = f;
        mark.setIcon(this.icon(f.properties));
      }
    },
    look(lat, lon) {
      this.map.flyTo([lat, lon], Math.max(this.map.getZoom(), 13), { duration: 0.6 });
    },
    name(f) {
      return f.properties[`name_${this.lang}`];
    },
    title(f) {
      return f.properties[`title_${this.lang}`] || f.id;
    },
    told(f) {
      const p = f.properties;
      const value = p.value === null ? "" : String(p.value);
      const state = p.silent ? this.words.silent : [p[`word_${this.lang}`], value].filter(Boolean).join(" · ");
      return this.lines([this.name(f), state, p.seen ? this.local(p.seen) : "", p.alert ? this.words[`severity.${p.alert}`] : ""]);
    },
    lines(texts) {
      const box = document.createElement("div");
      for (const [n, text] of texts.entries()) {
        if (!text) continue;
        const line = document.createElement(n === 0 ? "b" : "div");
        line.textContent = text;
        box.append(line);
      }
      return box;
    },
    local(text) {
      return new Date(text).toLocaleString(this.lang === "zh" ? "zh-CN" : "en-GB", {
        timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
    },
  },
};
