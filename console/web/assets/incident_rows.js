// Incidents as links, in the order the server gives. What people wrote stays text: the template escapes it.
export default {
  template: `
    <div class="sy-list">
      <div v-if="!rows.length" class="sy-soft">{{ none }}</div>
      <a v-for="row in rows" :key="row.id" :href="prefix + row.href" class="sy-row" :class="{ 'sy-chosen': row.id === chosen }">
        <i :style="{ background: row.colour }"></i>
        <div>
          <b>{{ row.title }}</b>
          <p v-if="row.summary">{{ row.summary }}</p>
          <div class="sy-bar"><span v-for="tag in row.tags" class="sy-tag">{{ tag }}</span></div>
        </div>
        <aside>
          <div class="sy-num">{{ row.last }}</div>
          <div v-if="row.late" class="sy-late">{{ row.late }}</div>
          <div v-if="row.until" class="sy-num">{{ row.until }}</div>
        </aside>
      </a>
    </div>`,
  props: { rows: Array, none: String, chosen: String },
  data: () => ({ prefix: "" }),
  mounted() {
    setTimeout(() => (this.prefix = window.path_prefix), 0); // set when the application is mounted, after its parts
  },
  watch: {
    async chosen() {
      await this.$nextTick();
      const row = this.$el.querySelector(".sy-chosen");
      row?.scrollIntoView({ block: "nearest" });
      row?.focus({ preventScroll: true });
    },
  },
};
