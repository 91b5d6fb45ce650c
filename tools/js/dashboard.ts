/**
 * What Grafana 12 takes a dashboard for: its own types, as JSON has them. The test of deploy/grafana checks the file
 * against `Shown`. Queries are the Prometheus data source's, whose types are not in @grafana/schema.
 */
import type * as Dashboards from '@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen.d.ts';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts';

/** Values in place of the names of enumerations; what Grafana fills in by default may be absent. */
type Json<T> = T extends string
  ? `${T}`
  : T extends number
    ? number extends T
      ? T
      : `${T}` extends `${infer N extends number}`
        ? N
        : T
    : T extends boolean
      ? T
      : T extends (infer U)[]
        ? Json<U>[]
        : T extends object
          ? { [K in keyof T]?: Json<T[K]> }
          : T;

type Query = {
  refId: string;
  expr: string;
  datasource: Json<Dashboards.DataSourceRef>;
  legendFormat?: string;
  instant?: boolean;
  range?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
};

type Panel<Kind extends string, Options, Custom> = Omit<
  Json<Dashboards.Panel>,
  'type' | 'options' | 'fieldConfig' | 'targets'
> & {
  id: number;
  type: Kind;
  title: string;
  description: string;
  gridPos: Dashboards.GridPos;
  options: Json<Options>;
  fieldConfig: {
    defaults: Omit<Json<Dashboards.FieldConfig>, 'custom'> & { custom?: Json<Custom> };
    overrides: Json<Dashboards.FieldConfigSource>['overrides'];
  };
  targets: Query[];
};

export type Shown = Omit<Json<Dashboards.Dashboard>, 'panels'> & {
  uid: string;
  title: string;
  schemaVersion: number;
  panels: (Panel<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig> | Panel<'stat', Stat.Options, never>)[];
};
