"""Small invented files in the form of every layout, and where the real ones are."""

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.registry import Registry
from ingest.decoded import Context
from ingest.decoders.table import Parsed, parse
from ingest.layouts import Layout, find
from tests.ingest.given import registry

NOW = datetime(2026, 9, 1, tzinfo=UTC)

PRSA_HEADER = (
    '"No","year","month","day","hour","PM2.5","PM10","SO2","NO2","CO","O3",'
    '"TEMP","PRES","DEWP","RAIN","wd","WSPM","station"'
)
PRSA = (
    PRSA_HEADER + "\r\n"
    '1,2013,3,1,0,4,5,6,7,300,77,-0.7,1023,-18.8,0,"NNW",4.4,"Dongsi"\r\n'
    '2,2013,3,1,1,8,NA, ,7,NA,77,-1.1,1023.2,-18.2,0,"N",4.7,"Dongsi"\r\n'
    '3,2013,3,1,2,9,9,9,9,1000,9,-1.1,1023.2,-18.2,0.5,NA,4.7,"Dongsi"\r\n'
)

LISHUI = (
    "City,Date,Hour,WatchPoint,AQI,Level,PrimaryPollution,PM2.5,PM10,CO,NO2,O3_1h,O3_8h,SO2\n"
    "丽水,20200326,18,甲站,40,优,NaN,28,39,0.8,25,56,63,5\n"
    "丽水,20200326,19,甲站,57,良,细颗粒物(PM2.5),40,NaN,0.6,24,43,63,5\n"
    "丽水,20200326,19,乙站,75,良,颗粒物(PM10) 细颗粒物(PM2.5),55,100,0.6,24,43,63,5\n"
    "丽水,20200326,20,甲站,NaN,,NaN,NaN,NaN,—,NaN,NaN,NaN,NaN\n"
)

ZHEJIANG = (
    "province,basin,section,year,time,class,temp,ph,do,cond,turb,codmn,nh3n,tp,tn,chla,algae,status,ym,city,river\n"
    "浙江省,某流域,甲断面,2021,04-01 04:00,Ⅳ,18.5,8.05,8.61,494.3,151.0,6.33,0.816,0.171,4.93,0.012,*,正常,2021-04,,\n"
    "浙江省,某流域,甲断面,2021,04-01 08:00,Ⅱ,18.5,8.05,8.61,494.3,151.0,3.33,0.416,--,4.93,*,*,正常,2021-04,,\n"
    "浙江省,某流域,甲断面,2021,04-01 12:00,*,18.5,8.05,8.61,494.3,151.0,3.33,0.416,--,4.93,*,*,维护,2021-04,,\n"
    "浙江省,某流域,甲断面,2021,*,*,--,--,--,--,--,--,--,--,--,*,*,维护,2021-04,,\n"
)

HUNAN = (
    "Invented samples.,,,,,,,,,,\n"
    "Unit:,,,,mg/kg,mg/kg,mg/kg,mg/L,g/kg,%,\n"
    "X,Y,land_use,pH,SoilCdtot,RiceCd,StrawCd,SoilCdavi,OC,Clay,source\n"
    "111.8,26.5,Upland,4.4,0.28,NA,NA,0.07,10,45,x\n"
    "112.0,26.6,Paddy,7.5,0.36,0.1,0.2,0.01,9,40,x\n"
)

CNEMC = """<GetAQIDataPublishLivesResponse xmlns="http://tempuri.org/">
 <Root xmlns:b="urn:b">
  <b:AQIDataPublishLive>
   <b:AQI>68</b:AQI><b:CO>0.6</b:CO><b:Latitude>40.2</b:Latitude><b:Longitude>116.1</b:Longitude>
   <b:NO2>4</b:NO2><b:O3>170</b:O3><b:O3_24h>46</b:O3_24h><b:PM10>50</b:PM10><b:PM2_5>49</b:PM2_5>
   <b:PositionName>某站</b:PositionName><b:PrimaryPollutant>细颗粒物(PM2.5)</b:PrimaryPollutant>
   <b:Quality>良</b:Quality><b:SO2>&mdash;</b:SO2><b:StationCode>9001A</b:StationCode>
   <b:TimePoint>2019-07-18T12:00:00</b:TimePoint>
  </b:AQIDataPublishLive>
  <b:AQIDataPublishLive>
   <b:AQI>&mdash;</b:AQI><b:CO>&mdash;</b:CO><b:Latitude>95</b:Latitude><b:Longitude>116.1</b:Longitude>
   <b:NO2>4</b:NO2><b:O3>1</b:O3><b:O3_24h>2</b:O3_24h><b:PM10>&mdash;</b:PM10><b:PM2_5>&mdash;</b:PM2_5>
   <b:PositionName>另站</b:PositionName><b:PrimaryPollutant>&mdash;</b:PrimaryPollutant>
   <b:Quality>&mdash;</b:Quality><b:SO2>3</b:SO2><b:StationCode>9002A</b:StationCode>
   <b:TimePoint>2019-07-18T12:00:00</b:TimePoint>
  </b:AQIDataPublishLive>
 </Root>
</GetAQIDataPublishLivesResponse>
"""

SITES = (
    "date,hour,type,1001A,1002A\n"
    "20230101,0,AQI,50,60\n"
    "20230101,0,PM2.5,35,\n"
    "20230101,0,CO,0.5,0.7\n"
    "20230101,1,PM2.5,36,44\n"
)


def read(name: str | Layout, text: str | bytes, *, file_name: str = "given.csv", now: datetime = NOW) -> Parsed:
    """A file of a layout, parsed."""
    layout = find(name) if isinstance(name, str) else name
    payload = text.encode() if isinstance(text, str) else text
    context = Context(layout.feed, now, now, registry(), "raw/00/00", file_name)
    return parse(payload, context, layout)


def packed(text: str) -> bytes:
    """As gzip, the same bytes every time."""
    return gzip.compress(text.encode(), mtime=0)


def real(folder: str) -> Path:
    """A folder of real data; the test is skipped where it is not at hand."""
    root = Path(os.environ.get("SANYAN_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared"))
    place = root / "data" / folder
    if not place.is_dir():
        pytest.skip(f"real data {folder!r} are not at hand; set SANYAN_SHARED to the folder that has data/{folder}")
    return place


def county() -> Registry:
    """The sample county."""
    return registry()
