import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.privacy import is_id, mask

ID = "11010519491231002X"  # the example of GB 11643-1999: nobody's


@pytest.mark.parametrize(
    ("written", "masked"),
    [
        ("电话13800000000", "电话138****0000"),
        ("电话138 0013 8000，尽快", "电话138****8000，尽快"),
        ("139-0000-0000", "139****0000"),
        ("+8613800000000", "138****0000"),
        ("１３９００００００００", "139****0000"),
        ("1380000000013900000000", "138****0000 139****0000"),
        ("座机0578-2000000", "座机0578-****000"),
        ("(0578)2000000", "(0578)****000"),
        ("电话2000000", "电话****000"),
        (f"身份证{ID}", f"身份证{ID[:4]}**********{ID[-4:]}"),
        ("车牌浙K00000停在路口", "车牌浙K***00停在路口"),
        ("浙KD00000新能源", "浙K***00新能源"),
        ("联系人张示例，电话13800000000", "联系人张*，电话138****0000"),
        ("举报人：李样例", "举报人：李*"),
        ("姓名 欧阳示例 男", "姓名 欧* 男"),
        ("我是王虚构，住在河边", "我是王*，住在河边"),
        ("座机0578-2000000，找刘某某", "座机0578-****000，找刘*"),
        ("发到 someone@example.org", "发到 ***@example.org"),
    ],
)
def test_personal_data_are_masked(written, masked):
    assert mask(written) == masked


@pytest.mark.parametrize(
    "written",
    [
        "举报人反映河水发黑",
        "联系人王先生",
        "负责人不在场",
        "业主在楼下",
        "我是附近居民",
        "找不到人",
        "订单331102202608180001号",  # 18 digits, a date inside, the check digit wrong
        "2026-08-20 08:10:00",
        "pH 6.85，氨氮 1.23 mg/L",
        "编号 LDWG202608200001",
    ],
)
def test_what_is_nobodys_stays_readable(written):
    assert mask(written) == written


def test_check_digit_of_identity_numbers():
    assert is_id(ID)
    assert not is_id("110105194912310021")
    assert not is_id("11010519491231002")


SOUP = st.lists(
    st.sampled_from(
        ["联系人", "张示例", "电话", "13800000000", " ", "：", "，", "0578-2000000", "浙K00000", ID, "找", "1", "*"]
    ),
    max_size=12,
).map("".join)


@given(st.one_of(SOUP, st.text(max_size=60)))
def test_masking_twice_changes_nothing(text):
    assert mask(mask(text)) == mask(text)


@given(st.text(alphabet="联系人 ，。abc", max_size=20), st.text(alphabet="，。；\n x", min_size=1, max_size=3))
def test_no_mobile_number_survives_wherever_it_stands(before, after):
    assert not re.search(r"1[3-9]\d{9}", mask(f"{before}{after}13800000000{after}{before}"))
