"""Luminosities, and that campaigns add up to cross section times luminosity."""

import pytest
from yield_inputs import L_OF, L_TOT, SRA, SRB, about, both, make

from processors.stop4b import campaigns
from processors.stop4b.addition import add_samples
from processors.stop4b.contributions import read_contributions
from samples.stop4b import campaigns as of_samples

SIGMA = 2150.0  # fb
PASSED = {SRA: 9.29e-6, SRB: 5.91e-5}  # acceptance times efficiency


def test_the_luminosities_are_those_of_the_samples():
    assert dict(campaigns.PERIODS) == {period.name: period.luminosity for period in of_samples.DATA}
    assert dict(campaigns.LUMINOSITIES) == pytest.approx({mc.name: mc.luminosity for mc in of_samples.MC})
    assert pytest.approx(of_samples.TOTAL_LUMINOSITY) == campaigns.TOTAL_LUMINOSITY


def test_the_total_is_that_of_the_paper():
    assert pytest.approx(138.96516, abs=1e-5) == campaigns.TOTAL_LUMINOSITY
    assert campaigns.LUMINOSITY_ERROR == 0.017


def test_bug_8_weights_times_sigma_and_share_add_up_to_sigma_times_luminosity():
    """Weights as the files have them: sigma L_c / L_tot / N, of N events in campaign c."""
    expected = {region: SIGMA * passed * campaigns.TOTAL_LUMINOSITY for region, passed in PASSED.items()}
    by_campaign = sum(
        SIGMA * PASSED[SRB] * luminosity / L_TOT * campaigns.luminosity_factor(campaign, luminosity)
        for campaign, luminosity in L_OF.items()
    )
    assert by_campaign == pytest.approx(expected[SRB])
    histograms = {"Wt": make({"nominal": both((50, expected[SRA]), (500, expected[SRB]))})}
    (sample,) = add_samples(read_contributions(histograms, {"Wt": about("Wt")}).parts).values()
    assert {region: template.total for region, template in sample.nominal.items()} == pytest.approx(expected)


@pytest.mark.parametrize("campaign", L_OF)
def test_bug_8_a_campaign_alone_is_scaled_to_its_own_luminosity(campaign):
    """The original scaled each one to all data, which is right only in the sum."""
    total = SIGMA * PASSED[SRB] * L_TOT
    histograms = {"Wt": make({"nominal": both((50, 1.0), (500, total))}, campaigns=(campaign,))}
    luminosity = {campaign: L_OF[campaign]}
    (sample,) = add_samples(read_contributions(histograms, {"Wt": about("Wt", luminosity=luminosity)}).parts).values()
    assert sample.nominal[SRB].total == pytest.approx(SIGMA * PASSED[SRB] * L_OF[campaign])
    assert sample.nominal[SRB].entries.tolist() == [500]


def test_bug_8_a_campaign_that_stands_for_a_part_of_its_data_is_scaled_to_it():
    """With the data of 2015 alone, all of the original's factor would be too much by eleven."""
    assert campaigns.luminosity_factor("mc16a", 3.21956) == pytest.approx(L_TOT * 3.21956 / L_OF["mc16a"])
    total = SIGMA * PASSED[SRB] * L_TOT
    metadata = about("Wt", luminosity={"mc16a": 3.21956, "mc16d": 0.0, "mc16e": 0.0})
    found = make({"nominal": both((50, 1.0), (500, total))})
    (sample,) = add_samples(read_contributions({"Wt": found}, {"Wt": metadata}).parts).values()
    assert sample.nominal[SRB].total == pytest.approx(SIGMA * PASSED[SRB] * 3.21956)
    assert sample.nominal[SRB].entries.tolist() == [found["entries"]["mc16a", SRB, "nominal"]]
