"""The analysis as anybody would write it: loops and masks over plain arrays, no code of the processor."""

import awkward as ak
import numpy as np

CRACK = (1.37, 1.52)


def candidates(events):
    """Electrons that pass everything but the cut on pt, of events that do, too; with their events' numbers."""
    electrons = events.Electrons
    clusters = events.egammaClusters[ak.firsts(electrons.caloClusterLinks.m_persIndex, axis=2)]
    eta = abs(clusters.ETA2CALOFRAME)
    good = (
        (electrons.DFCommonElectronsLHMedium == 1)
        & (eta < 2.47)
        & ~((eta > CRACK[0]) & (eta < CRACK[1]))
        & (electrons.ptvarcone30_Nonprompt_All_MaxWeightTTVALooseCone_pt1000 / electrons.pt < 0.15)
        & (electrons.topoetcone20 / electrons.pt < 0.2)
    )
    matched = events.TrigMatch_HLT_e26_lhtight_nod0_ivarloose.m_persIndex
    fires = [
        any(index in set(np.ravel(of_event)) and is_good for index, is_good in enumerate(goods))
        for of_event, goods in zip(matched.to_list(), good.to_list(), strict=True)
    ]
    clean = events.EventInfo.DFCommonJets_eventClean_LooseBad == 1
    return good, clusters, clean & (ak.sum(good, axis=1) >= 2) & ak.Array(fires)


def masses(events, pt, good, event_passes):
    """Mass, leading and subleading pt and eta of the pair of each event; NaN where there is none.

    ``pt`` in MeV, in the shape of the electrons.
    """
    electrons = events.Electrons
    found = np.full((len(events), 5), np.nan)
    columns = zip(
        (pt / 1000).to_list(),
        electrons.eta.to_list(),
        electrons.phi.to_list(),
        electrons.charge.to_list(),
        good.to_list(),
        event_passes.to_list(),
        strict=True,
    )
    for event, (pts, etas, phis, charges, goods, passes) in enumerate(columns):
        hard = [k for k, (p, is_good) in enumerate(zip(pts, goods, strict=True)) if is_good and p > 27]
        if not passes or len(hard) != 2 or charges[hard[0]] * charges[hard[1]] >= 0:
            continue
        first, second = sorted(hard, key=lambda k: -pts[k])
        m_ee = np.sqrt(
            2 * pts[first] * pts[second] * (np.cosh(etas[first] - etas[second]) - np.cos(phis[first] - phis[second]))
        )
        if 66 < m_ee < 116:
            found[event] = m_ee, pts[first], pts[second], etas[first], etas[second]
    return found


def chosen(found):
    """Whether each event has a pair."""
    return ~np.isnan(found[:, 0])
